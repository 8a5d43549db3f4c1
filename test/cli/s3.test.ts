import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { whyNoGo } from '../support/go-programs.ts';
import { startS3 } from '../support/s3-server.ts';
import type { S3Server } from '../support/s3-server.ts';
import { FAST, Workplace } from './support.ts';

interface Answer {
  readonly gallery: {
    readonly pictures: number;
    readonly changes: number;
    readonly lastChange: string | null;
    readonly sha256: string;
  };
  readonly results: readonly {
    readonly class: string;
    readonly neighbours: readonly { readonly key: string }[];
  }[];
}
interface Listed {
  readonly models: readonly { readonly model: string; readonly versions: readonly unknown[] }[];
}

describe('the command line on a registry and data sets in S3', { skip: whyNoGo() }, () => {
  let server: S3Server;
  let place: Workplace;
  let registry: string;
  let pictures: string;

  /** Runs `kindred` and gives what it says; nothing but that may be printed. */
  async function json<T>(args: readonly string[]): Promise<T> {
    const { status, stdout, stderr } = await place.run(
      [...args, '--registry', registry, '--json'],
      server.environment,
    );
    assert.equal(status, 0, `kindred ${args.join(' ')}: ${stderr}`);
    assert.doesNotMatch(stderr, /warning/i);
    return JSON.parse(stdout) as T;
  }

  before(async () => {
    server = await startS3();
    place = new Workplace();
    const bucket = await server.bucket();
    registry = `s3://${bucket}/my registry`;
    pictures = `s3://${await server.bucket()}/clothes`;
    // Put there by somebody else: S3 as people use it.
    for (const [part, folder] of [
      ['train', place.dataSet('train')],
      ['test', place.dataSet('test', { part: 'test', count: 2 })],
    ] as const) {
      for (const name of readdirSync(folder, { recursive: true }).map(String)) {
        if (!path.extname(name)) continue;
        const [, , inBucket = ''] = pictures.split('/');
        await server.put(inBucket, `clothes/${part}/${name}`, readFileSync(path.join(folder, name)));
      }
    }
  });
  after(async () => {
    place.close();
    await server.stop();
  });

  it('trains twice from a data set there, and moves the alias', async () => {
    const train = ['train', `${pictures}/train`, '--test', `${pictures}/test`, ...FAST];
    const first = await json<{ model: string; version: number }>(train);
    assert.deepEqual([first.model, first.version], ['clothes', 1]);
    const second = await json<{ version: number }>([...train, '--seed', '5', '--no-promote']);
    assert.equal(second.version, 2);
    const { models } = await json<Listed>(['models', 'list']);
    assert.deepEqual(
      models.map(({ model, versions }) => [model, versions.length]),
      [['clothes', 2]],
    );
    const { jobs } = await json<{ jobs: { state: string }[] }>(['jobs', 'list']);
    assert.deepEqual(
      jobs.map(({ state }) => state),
      ['succeeded', 'succeeded'],
    );
  });

  it('classifies, embeds and measures with it', async () => {
    const image = place.in('train', 'hat', readdirSync(place.in('train', 'hat'))[0] ?? '');
    const { results } = await json<Answer>(['classify', image]);
    assert.equal(results[0]?.class, 'hat');
    const embedded = await json<{ results: { embedding: number[] }[] }>(['embed', image]);
    assert.equal(embedded.results[0]?.embedding.length, 16);
    const measured = await json<{ images: number }>(['evaluate', `${pictures}/test`]);
    assert.equal(measured.images, 6);
  });

  it('promotes, rolls back and tells the history', async () => {
    const production = async (): Promise<number[]> => {
      const { history } = await json<{ history: { version: number }[] }>(['models', 'history', 'clothes']);
      return history.map(({ version }) => version);
    };
    await json(['models', 'promote', 'clothes@2', '--why', 'to see']);
    assert.deepEqual(await production(), [1, 2]);
    await json(['models', 'rollback', 'clothes', '--why', 'to see']);
    assert.deepEqual(await production(), [1, 2, 1]);
  });

  it('adds to the gallery, lists, renames and removes', async () => {
    const [file = ''] = readdirSync(place.in('test', 'shoes'));
    const image = place.in('test', 'shoes', file);
    const asBefore = await json<Answer>(['classify', image]);
    assert.deepEqual([asBefore.gallery.changes, asBefore.gallery.lastChange], [0, null]);
    const added = await json<{ keys: string[] }>(['gallery', 'add', 'boots', image]);
    assert.deepEqual(added.keys, [`boots/${file}`]);
    const { results, gallery } = await json<Answer>(['classify', image]);
    assert.equal(results[0]?.class, 'boots');
    assert.deepEqual(gallery, {
      pictures: asBefore.gallery.pictures + 1,
      changes: 1,
      lastChange: gallery.lastChange,
      sha256: createHash('sha256').update(`${gallery.lastChange}\n`).digest('hex'),
    });
    assert.equal(results[0]?.neighbours[0]?.key, `boots/${file}`);
    await json(['gallery', 'rename', 'boots', 'wellingtons']);
    await json(['gallery', 'import', `${pictures}/test`]);
    await json(['gallery', 'remove', `wellingtons/${file}`]);
    const listed = JSON.stringify(await json(['gallery', 'list']));
    assert.doesNotMatch(listed, /wellingtons/);
  });

  it('copies the pictures of a bucket into a data set of the registry', async () => {
    const added = await json<{ added: number }>(['datasets', 'add', 'copied', `${pictures}/train`]);
    assert.equal(added.added, 12);
    const { datasets } = await json<{ datasets: { dataset: string; files: number }[] }>(['datasets', 'list']);
    assert.deepEqual(
      datasets.map(({ dataset, files }) => [dataset, files]),
      [['copied', 12]],
    );
  });

  it('exports a version that is whole, and deletes one', async () => {
    await json(['models', 'export', 'clothes@1', place.in('exported.tar')]);
    assert.ok(existsSync(place.in('exported.tar')));
    await json(['models', 'delete', 'clothes@2', '--why', 'to see']);
    const { models } = await json<Listed>(['models', 'list']);
    assert.equal(models[0]?.versions.length, 1);
  });

  it('finds nothing wrong with the registry', async () => {
    const { stdout } = await place.run(['doctor', '--registry', registry], server.environment);
    assert.match(stdout, /can be read and written/);
  });

  it('says in one line what is wrong: no bucket, wrong keys, nobody there', async () => {
    const attempt = async (
      args: readonly string[],
      environment: Record<string, string> = {},
    ): Promise<string> => {
      const fast = { ...server.environment, AWS_MAX_ATTEMPTS: '2', ...environment };
      const { status, stderr } = await place.run(args, fast);
      assert.equal(status, 1);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
      return stderr;
    };
    const list = ['models', 'list', '--registry'];
    assert.match(
      await attempt([...list, 's3://no-such-bucket/x']),
      /error: Cannot list .*there is no such bucket/,
    );
    assert.match(
      await attempt([...list, registry], { AWS_SECRET_ACCESS_KEY: 'wrong' }),
      /the secret key is wrong/,
    );
    assert.match(
      await attempt([...list, registry], { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }),
      /nobody answers there.*AWS_ENDPOINT_URL_S3/,
    );
    const { status, stderr } = await place.run([...list, 's3://NO/x'], server.environment);
    assert.equal(status, 2);
    assert.match(stderr, /does not name a bucket/);
  });
});
