import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConflictError } from '../../../core/errors.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { openStore } from '../../../core/storage/open.ts';
import { StorageError } from '../../../core/storage/storage-error.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import type { FaultProxy } from '../../support/fault-proxy.ts';
import { whyNoGo } from '../../support/go-programs.ts';
import { optionsFor, startS3 } from '../../support/s3-server.ts';
import type { S3Server } from '../../support/s3-server.ts';
import { startToxiproxy } from '../../support/toxiproxy.ts';
import type { Toxiproxy } from '../../support/toxiproxy.ts';
import { race, start } from '../storage/programs.ts';
import { author, draft } from './support.ts';

const COUNT = 20;
const program = new URL('programs/publish.ts', import.meta.url);

describe('a registry in S3', { skip: whyNoGo() }, () => {
  let server: S3Server;
  let toxiproxy: Toxiproxy;
  let proxy: FaultProxy;
  let uri: string;
  let registry: Registry;
  before(async () => {
    server = await startS3();
    toxiproxy = await startToxiproxy(server.port);
    proxy = await startFaultProxy(server.port);
  });
  after(async () => {
    await proxy.stop();
    await toxiproxy.stop();
    await server.stop();
  });
  beforeEach(async () => {
    uri = `s3://${await server.bucket()}/registry`;
    registry = over(server.port);
  });
  afterEach(async () => {
    proxy.onRequest(() => undefined);
    await toxiproxy.reset();
  });

  /** A client of its own each time, as another process would have. */
  function over(port: number): Registry {
    // Twenty at once may overrun a server on a busy machine; who meets a fault on purpose shall meet it soon.
    const patience =
      port === server.port ? { attempts: 10 } : { attempts: 3, connectMs: 1000, silenceMs: 1000 };
    const s3 = optionsFor(port, patience);
    return openRegistry(openStore(uri, { s3 }));
  }
  const others = (): Registry[] => Array.from({ length: COUNT }, () => over(server.port));

  it('lets one of 20 alias moves win when all expect the same version', async () => {
    for (let i = 0; i < 3; i++) await registry.publish('cats', draft());
    await registry.move('cats', 'production', 3, author);

    const outcomes = await Promise.allSettled(
      others().map((each, i) =>
        each.move('cats', 'production', 1 + (i % 2), { by: `${i}`, why: 'a race', expected: 3 }),
      ),
    );

    const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [`${i}`] : []));
    assert.equal(winners.length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        assert.ok(outcome.reason instanceof ConflictError, String(outcome.reason));
    }
    const history = (await registry.alias('cats', 'production'))?.history ?? [];
    assert.deepEqual(
      history.map(({ by }) => by),
      [author.by, ...winners],
    );
  });

  it('carries out all of 20 alias moves, one after another, when they expect nothing', async () => {
    for (let i = 0; i < 2; i++) await registry.publish('cats', draft());

    await Promise.all(
      others().map((each, i) => each.move('cats', 'production', 1 + (i % 2), { by: `${i}`, why: 'a race' })),
    );

    const history = (await registry.alias('cats', 'production'))?.history ?? [];
    assert.deepEqual(
      history.map(({ by }) => Number(by)).toSorted((a, b) => a - b),
      Array.from({ length: COUNT }, (_, i) => i),
    );
    history.forEach(({ from }, i) => assert.equal(from, history[i - 1]?.version ?? null));
  });

  it('carries out every alias move once although answers are lost', async () => {
    for (let i = 0; i < 2; i++) await registry.publish('cats', draft());
    let puts = 0;
    let lost = 0;
    // What is sent again gets its answer: the client gives up after some attempts, and chance would have it do so.
    proxy.onRequest(({ method, attempt }) => {
      if (method !== 'PUT' || attempt > 1 || ++puts % 3 !== 0) return undefined;
      lost++;
      return { kind: 'lose-answer' };
    });

    await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        over(proxy.port).move('cats', 'production', 1 + (i % 2), { by: `${i}`, why: 'a race' }),
      ),
    );

    const history = (await registry.alias('cats', 'production'))?.history ?? [];
    assert.ok(lost >= 2, `${lost} answers were lost`);
    assert.deepEqual(history.map(({ by }) => by).toSorted(), ['0', '1', '2', '3', '4', '5']);
  });

  it('gives two publishers at once, in processes of their own, each a number and whole files', async () => {
    const args = [uri, '9000000'];
    const printed = (await race(program, [args, args], server.environment)).flat().map(Number);

    assert.deepEqual(new Set(printed), new Set([1, 2]));
    for (const version of [1, 2]) assert.deepEqual(await registry.verify('cats', version), []);
  });

  it('lets one of two publishers of one job win', async () => {
    const outcomes = await Promise.allSettled(
      [over(server.port), over(server.port)].map((each) => each.publish('cats', draft({ job: 'job-1' }))),
    );

    const versions = await registry.versions('cats');
    assert.equal(versions.length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') assert.equal(outcome.value.version, versions[0]);
      else assert.ok(outcome.reason instanceof ConflictError, String(outcome.reason));
    }
    assert.ok(outcomes.some(({ status }) => status === 'fulfilled'));
  });

  it('shows no half version when a publisher is killed, and one whole one when the job runs again', async () => {
    for (let round = 1; round <= 3; round++) {
      const args = [uri, '9000000', `job-${round}`];
      const publisher = start(program, args, server.environment);
      assert.equal(await publisher.line(), 'ready');
      publisher.tell('go');
      await sleep(Math.random() * 600);
      await publisher.kill();

      for (const version of await registry.versions('cats'))
        assert.deepEqual(await registry.verify('cats', version), []);
      await race(program, [args], server.environment);
      assert.equal((await registry.versions('cats')).length, round);
    }
  });

  it('shows no half version when the connection breaks off while files go up', async () => {
    const file = new Uint8Array(20 << 20).map((_, i) => i & 255);
    const version = draft({ files: { 'gallery.arrow': file, 'network/weights.bin': file }, job: 'job-1' });
    await toxiproxy.add('limit_data', 'upstream', { bytes: 3 << 20 });
    await assert.rejects(over(toxiproxy.port).publish('cats', version), StorageError);
    assert.deepEqual(await registry.versions('cats'), []);
    assert.equal(await server.openUploads(uri.split('/')[2] ?? ''), 0);

    await toxiproxy.reset();
    const { version: number } = await over(toxiproxy.port).publish('cats', version);
    assert.deepEqual(await registry.versions('cats'), [number]);
    assert.deepEqual(await registry.verify('cats', number), []);
  });

  it('publishes once although the answer to the manifest is lost', async () => {
    let lost = 0;
    proxy.onRequest(({ method, path }) =>
      method === 'PUT' && path.endsWith('manifest.json') && lost++ === 0
        ? { kind: 'lose-answer' }
        : undefined,
    );
    const { version } = await over(proxy.port).publish('cats', draft());
    assert.ok(lost >= 1);
    assert.deepEqual([version, await registry.versions('cats')], [1, [1]]);
  });
});
