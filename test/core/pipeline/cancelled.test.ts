import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CancelledError, ConflictError } from '../../../core/errors.ts';
import { requestCancel } from '../../../core/jobs/cancel.ts';
import { readTraining, updateJob } from '../../../core/jobs/job.ts';
import type { Job, TrainingJob } from '../../../core/jobs/job.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import type { TrainingProgress } from '../../../core/training/progress.ts';
import { intercepted } from '../registry/support.ts';
import { race } from '../storage/programs.ts';
import { Place } from '../jobs/support.ts';

const PROGRAM = new URL('programs/train.ts', import.meta.url);

describe('a training that is asked to stop', () => {
  let place: Place;
  let whole: string | undefined;
  before(async () => {
    place = new Place();
    await place.train(await place.newJob('siamese', { model: 'whole' }));
    whole = await place.weights(1, 'whole');
  });
  after(() => place.close());

  /** It is cancelled with a checkpoint and no version, and once more it is run to the end that it would have had. */
  async function assertStoppedAndResumed(job: TrainingJob): Promise<void> {
    const { model } = job.request;
    const { state, error, owner, cancelRequested, result } = await readTraining(place.store, job.id);
    assert.deepEqual([state, error?.code, owner, result], ['cancelled', 'cancelled', null, null]);
    assert.equal(cancelRequested, false);
    assert.ok((await place.keys(`jobs/${job.id}/checkpoint/`)).includes('state.json'));
    assert.deepEqual(await place.registry.versions(model), []);

    const { version } = await place.train(job);

    assert.equal(version, 1);
    assert.equal(await place.weights(1, model), whole);
    assert.deepEqual(await place.keys(`jobs/${job.id}/checkpoint/`), []);
  }

  it('by its signal keeps a checkpoint and goes on to the same end', async () => {
    const job = await place.newJob('siamese', { model: 'signal' });
    const controller = new AbortController();
    const report = (told: TrainingProgress): void => {
      if (told.phase === 'training' && told.epoch === 2 && told.batch === 1) controller.abort();
    };
    await assert.rejects(place.train(job, { signal: controller.signal, report }), CancelledError);
    await assertStoppedAndResumed(job);
  });

  it('by a note in the store keeps a checkpoint and goes on to the same end', async () => {
    const job = await place.newJob('siamese', { model: 'note' });
    const store = changingAtFirstCheckpoint(place.store, job, async () => {
      assert.equal((await requestCancel(place.store, job.id)).state, 'running');
    });
    await assert.rejects(place.train(job, { store, checkpointSeconds: 0 }), CancelledError);
    await assertStoppedAndResumed(job);
  });

  it('because another process took the job over leaves job and checkpoint to that one', async () => {
    const job = await place.newJob('siamese', { model: 'lost' });
    const take = (found: Job): Job => ({
      ...found,
      owner: found.owner && { ...found.owner, token: 'other' },
    });
    const store = changingAtFirstCheckpoint(place.store, job, () => updateJob(place.store, job.id, take));
    await assert.rejects(place.train(job, { store, checkpointSeconds: 0 }), ConflictError);
    const { state, owner, error } = await readTraining(place.store, job.id);
    assert.deepEqual([state, owner?.token, error], ['running', 'other', null]);
    const found = await place.store.get(`jobs/${job.id}/checkpoint/state.json`);
    assert.equal((JSON.parse(Buffer.from(found?.bytes ?? []).toString()) as { batch: number }).batch, 1);
  });
});

/** A store in which somebody changes the job, and whose first checkpoint takes until the training has seen that. */
function changingAtFirstCheckpoint(
  store: ObjectStore,
  job: TrainingJob,
  change: () => Promise<unknown>,
): ObjectStore {
  let changed = false;
  let looked: () => void = () => undefined;
  let looks = 0;
  return intercepted(store, async (operation, key) => {
    if (operation === 'get' && key === `jobs/${job.id}/job.json` && changed && ++looks === 2) looked();
    if (operation !== 'put' || !key.endsWith('state.json') || changed) return;
    changed = true;
    const seen = new Promise<void>((resolve) => (looked = resolve));
    // Keeps the process: the training's own timer does not.
    const timer = setInterval(() => undefined, 1000);
    await change();
    await seen;
    clearInterval(timer);
  });
}

describe('a job that two processes go on with at once', () => {
  it('is worked on by one, and refused to the other', async () => {
    const place = new Place();
    try {
      const job = await place.newJob('metric');
      const told = await race(PROGRAM, [
        [place.folder, job.id],
        [place.folder, job.id],
      ]);
      assert.deepEqual(told.flat().toSorted(), ['conflict', 'made 1']);
      const { state, attempts } = await readTraining(place.store, job.id);
      assert.deepEqual([state, attempts], ['succeeded', 1]);
      assert.deepEqual(await place.registry.versions('clothes'), [1]);
      assert.deepEqual(await place.damage(), []);
    } finally {
      place.close();
    }
  });
});
