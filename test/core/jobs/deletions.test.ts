import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConflictError, NotFoundError } from '../../../core/errors.ts';
import { followersOf } from '../../../core/ingest/followers.ts';
import { syncGallery } from '../../../core/ingest/sync.ts';
import { deleteDataset } from '../../../core/jobs/delete-dataset.ts';
import { deleteModel } from '../../../core/jobs/delete-model.ts';
import { checkpointPrefix, createJob, readJob, updateJob } from '../../../core/jobs/job.ts';
import type { TrainingRequest } from '../../../core/pipeline/request.ts';
import { takeJob } from '../../../core/jobs/owner.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { author, bytes, draft, dyingAfter, onEachStore } from '../registry/support.ts';
import { dataSetNow, embedding, galleryNow, put, take, trainedOn } from '../ingest/following.ts';

const REQUEST: TrainingRequest = {
  dataSet: 'colours',
  testSet: null,
  holdOut: 0.2,
  model: 'cats',
  recipe: 'metric',
  options: {},
  seed: 0,
  promote: true,
};

/** A job with a checkpoint. */
async function job(registry: Registry, id: string, request: Partial<TrainingRequest> = {}): Promise<string> {
  await createJob(registry.store, { ...REQUEST, ...request }, { id });
  await registry.store.put(`${checkpointPrefix(id)}state.json`, bytes('{}'));
  return id;
}
const ids = [
  '01ARZ3NDEKTSV4RRFFQ69G5FA0',
  '01ARZ3NDEKTSV4RRFFQ69G5FA1',
  '01ARZ3NDEKTSV4RRFFQ69G5FA2',
] as const;

async function keysBelow(registry: Registry, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of registry.store.list(prefix)) keys.push(key.slice(prefix.length));
  return keys;
}

describe('deleting a model with jobs', () => {
  it('is refused while one waits or runs; removes what ended ones left, but their records and those of others', async () => {
    const registry = openRegistry(memoryStore());
    await registry.publish('cats', draft());
    const [ended, open, other] = [await job(registry, ids[0]), await job(registry, ids[1]), ids[2]];
    await job(registry, other, { model: 'dogs' });
    await updateJob(registry.store, ended, (found) => ({ ...found, state: 'failed' }));

    await assert.rejects(deleteModel(registry, 'cats', author), (error) => {
      return error instanceof ConflictError && error.message.includes(open);
    });
    assert.deepEqual(await registry.versions('cats'), [1]);
    await updateJob(registry.store, open, (found) => ({ ...found, state: 'cancelled' }));
    assert.deepEqual(await deleteModel(registry, 'cats', author), [1]);

    assert.deepEqual(await registry.models(), []);
    assert.deepEqual(await keysBelow(registry, 'jobs/'), [
      `${ended}/job.json`,
      `${open}/job.json`,
      `${other}/checkpoint/state.json`,
      `${other}/job.json`,
    ]);
  });

  it('cancels them when forced; one whose process is at work keeps its checkpoint', async () => {
    const registry = openRegistry(memoryStore());
    await registry.publish('cats', draft());
    const [waiting, running] = [await job(registry, ids[0]), await job(registry, ids[1])];
    await takeJob(registry.store, running);

    await deleteModel(registry, 'cats', author, { force: true });

    assert.equal((await readJob(registry.store, waiting)).state, 'cancelled');
    const { state, cancelRequested } = await readJob(registry.store, running);
    assert.deepEqual([state, cancelRequested], ['running', true]);
    assert.deepEqual(await keysBelow(registry, checkpointPrefix(waiting)), []);
    assert.deepEqual(await keysBelow(registry, checkpointPrefix(running)), ['state.json']);
  });
});

async function add(registry: Registry, file: string): Promise<void> {
  await registry.addToDataSet('pets', { className: 'cat', file, bytes: bytes(file) });
}

onEachStore('deleting a dataset', (test) => {
  test('removes its images and no others; the name is free then', async ({ registry }) => {
    await add(registry, '1.jpg');
    await add(registry, '2.jpg');
    await registry.addToDataSet('pets-2', { className: 'cat', file: '1.jpg', bytes: bytes('1') });

    assert.equal(await deleteDataset(registry, 'pets', author), 2);

    assert.deepEqual(await registry.dataSets(), ['pets-2']);
    assert.deepEqual(await dataSetNow(registry, 'pets'), []);
    await assert.rejects(deleteDataset(registry, 'pets', author), NotFoundError);
    await assert.rejects(deleteDataset(registry, 'Pets', author), /cannot name a data set/);
    await add(registry, '3.jpg');
    assert.deepEqual(await registry.dataSets(), ['pets', 'pets-2']);
    assert.equal(await deleteDataset(registry, 'pets', author), 1);
  });

  test('is refused while a job uses it, which is cancelled when forced', async ({ registry }) => {
    await add(registry, '1.jpg');
    const open = await job(registry, ids[0], { dataSet: 'other', testSet: 'pets' });
    await assert.rejects(deleteDataset(registry, 'pets', author), ConflictError);
    assert.equal((await dataSetNow(registry, 'pets')).length, 1);

    await deleteDataset(registry, 'pets', author, { force: true });

    assert.equal((await readJob(registry.store, open)).state, 'cancelled');
    assert.deepEqual(await registry.dataSets(), []);
  });
});

it('leaves a dataset whole or gone wherever it is killed, and is finished by repeating it', async () => {
  const outcomes = { whole: 0, gone: 0 };
  for (let writes = 0; ; writes++) {
    const store = memoryStore();
    const registry = openRegistry(store);
    for (const file of ['1.jpg', '2.jpg', '3.jpg']) await add(registry, file);
    const killed = await deleteDataset(openRegistry(dyingAfter(store, writes)), 'pets', author).then(
      () => false,
      () => true,
    );
    if (!killed) break;
    if ((await registry.dataSets()).length === 0) {
      outcomes.gone++;
      await assert.rejects(add(registry, '4.jpg'), ConflictError);
    } else {
      outcomes.whole++;
      assert.equal((await dataSetNow(registry, 'pets')).length, 3);
    }
    await deleteDataset(registry, 'pets', author);
    assert.deepEqual(await dataSetNow(registry, 'pets'), []);
    await add(registry, '5.jpg');
    assert.equal((await dataSetNow(registry, 'pets')).length, 1);
  }
  assert.deepEqual(outcomes, { whole: 1, gone: 4 });
});

describe('a gallery whose dataset is deleted', () => {
  const CLASSES = ['red', 'green'];

  async function synced(registry: Registry): Promise<void> {
    const engine = embedding(registry);
    try {
      for (const compare of ['names', 'content'] as const) {
        await syncGallery(registry, 'colours', { ...engine, compare });
      }
    } finally {
      engine.dispose();
    }
  }

  it('keeps its images, and the deletion needs to be forced', async () => {
    const registry = openRegistry(memoryStore());
    await trainedOn(registry, CLASSES, 2);
    const before = await galleryNow(registry);
    await assert.rejects(deleteDataset(registry, 'colours', author), (error) => {
      return error instanceof ConflictError && error.message.includes('colours@1');
    });
    assert.equal((await dataSetNow(registry)).length, 4);
    assert.equal(await deleteDataset(registry, 'colours', author, { force: true }), 4);
    await synced(registry);
    assert.deepEqual(await galleryNow(registry), before);
  });

  it('keeps them wherever the deletion is killed, whatever events and comparisons come', async () => {
    for (let writes = 0; ; writes++) {
      const store = memoryStore();
      const registry = openRegistry(store);
      await trainedOn(registry, CLASSES, 2);
      const before = await galleryNow(registry);
      const keys = await keysBelow(registry, 'datasets/colours/');
      const killed = await deleteDataset(openRegistry(dyingAfter(store, writes)), 'colours', author, {
        force: true,
      }).then(
        () => false,
        () => true,
      );
      const events = keys.map((key) => `datasets/colours/${key}`);
      await take(registry, events);
      // Of a server that looked who follows it before the deletion began.
      await take(registry, events, { followers: async () => [{ model: 'colours', version: 1 }] });
      await synced(registry);
      assert.deepEqual(await galleryNow(registry), before, `killed after ${writes}`);
      if (!killed) break;
    }
  });

  it('follows no other dataset of that name, which a version trained on it does', async () => {
    const registry = openRegistry(memoryStore());
    await trainedOn(registry, CLASSES, 2);
    const before = await galleryNow(registry);
    await deleteDataset(registry, 'colours', author, { force: true });
    const key = await put(registry, 'blue', 0);
    assert.deepEqual(await take(registry, [key]), []);
    await synced(registry);
    assert.deepEqual(await galleryNow(registry), before);
    assert.deepEqual(await followersOf(registry, 'colours'), []);
    await deleteDataset(registry, 'colours', author);

    await put(registry, 'red', 0);
    const next = await registry.publish(
      'colours',
      draft({ dataSet: { name: 'colours', pictures: [] }, follows: 'colours' }),
    );
    await registry.move('colours', 'production', next.version, author);

    assert.deepEqual(await followersOf(registry, 'colours'), [
      { model: 'colours', version: 2, dataset: 'colours' },
    ]);
  });
});
