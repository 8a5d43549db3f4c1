import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { compactGallery } from '../../../core/registry/compaction.ts';
import { listLogFiles } from '../../../core/registry/gallery-log.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { openStore } from '../../../core/storage/open.ts';
import { whyNoGo } from '../../support/go-programs.ts';
import { startS3 } from '../../support/s3-server.ts';
import type { S3Server } from '../../support/s3-server.ts';
import { withFolder } from '../registry/support.ts';
import { start } from '../storage/programs.ts';
import type { Program } from '../storage/programs.ts';
import { dataSetNow, galleryNow, take, trainedOn } from './following.ts';

const FOLLOW = new URL('programs/follow.ts', import.meta.url);
const COMPACT = new URL('../registry/programs/compact.ts', import.meta.url);

async function started(
  program: URL,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Program> {
  const begun = start(program, args, environment);
  assert.equal(await begun.line(), 'ready');
  begun.tell('go');
  return begun;
}

/** Kills it while it makes a change. @returns the key that it was about to change last */
async function killedAfter(writer: Program, changes: number): Promise<string> {
  let last = '';
  for (let made = 0; made < changes; made++)
    last = (await writer.line()) ?? assert.fail('it ended by itself');
  await sleep(Math.random() * 30);
  await writer.kill();
  for (let line = await writer.line(); line !== null; line = await writer.line()) last = line;
  return last.slice('changing '.length);
}

/** Reads the log all the time, as a server does: no change may ever be gone again. */
async function watched(registry: Registry, done: () => boolean): Promise<number> {
  let log = await registry.changes('colours');
  while (!done()) {
    const next = await registry.changes('colours', log);
    const ids = new Set(next.map(({ id }) => id));
    for (const { id } of log) assert.ok(ids.has(id), `the change ${id} was there before`);
    log = next;
    await sleep(20);
  }
  return log.length;
}

/** Classes and checksums: names may have a part of a checksum in them. */
const content = (rows: readonly string[]): string[] =>
  rows.map((row) => `${row.split('/')[0]} ${row.split(' ').at(-1)}`).toSorted();

async function manyAtOnce(
  uri: string,
  registry: Registry,
  environment: Record<string, string>,
): Promise<void> {
  await trainedOn(registry, ['red', 'green'], 2);
  const compact = [uri, 'colours', '4'];
  const [killed, other, compactor, killedCompactor] = await Promise.all([
    started(FOLLOW, [uri, '1', '1000'], environment),
    started(FOLLOW, [uri, '2', '12'], environment),
    started(COMPACT, compact, environment),
    started(COMPACT, compact, environment),
  ]);
  let ended = false;
  const watching = watched(registry, () => ended);

  const left = [await killedAfter(killed, 6)];
  await killedCompactor.kill();
  left.push(await killedAfter(await started(FOLLOW, [uri, '3', '1000'], environment), 6));
  await other.finish();
  // Of processes that are killed, S3's events come again, and a server compares listings when it starts.
  await take(registry, left);
  ended = true;
  const changes = await watching;

  const gallery = content(await galleryNow(registry));
  assert.deepEqual(gallery, [...new Set(content(await dataSetNow(registry)))]);
  assert.equal(new Set(gallery).size, gallery.length, 'nothing is there twice');
  await compactor.kill();
  for (let round = 0; round < 2; round++) await compactGallery(registry.store, 'colours', { atLeast: 2 });
  const { loose, compacted } = await listLogFiles(registry.store, 'colours');
  assert.ok(
    changes >= 12 && loose.length + compacted.length < changes / 2,
    `${changes} changes, ${loose.length}`,
  );
  assert.deepEqual(content(await galleryNow(openRegistry(registry.store))), gallery);
}

describe('many processes that change a data set, ingest and compact, some of them killed', () => {
  it('leave the gallery as the data set is, in a folder', async () => {
    await withFolder(async (folder) => manyAtOnce(folder, openRegistry(openStore(folder)), {}));
  });

  describe('in S3', { skip: whyNoGo() }, () => {
    let server: S3Server;
    before(async () => {
      server = await startS3();
    });
    after(() => server.stop());

    it('leave the gallery as the data set is', async () => {
      const uri = `s3://${await server.bucket()}/base`;
      const registry = openRegistry(openStore(uri, { s3: server.options }));
      await manyAtOnce(uri, registry, { ...server.environment });
    });
  });
});
