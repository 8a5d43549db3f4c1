import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CorruptDataError } from '../../../core/errors.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { Checkpoints } from '../../../core/training/checkpoint.ts';
import { inFolder, smallTraining } from './small.ts';

const state = {
  epoch: 1,
  batch: 2,
  lossSum: 0.1 + 0.2,
  activeSum: 1 / 3,
  weightSum: 4,
  randomAtEpoch: [1, 2, 3, 4],
  random: [4294967295, 0, 7, 8],
  curve: [
    { epoch: 1, loss: 0.1, active: 0.5, validationLoss: null, validationAccuracy: 2 / 3, seconds: 0.25 },
  ],
  guard: { firstSpread: 1 / 7, steps: 3 },
  collapse: 'all pictures lay in one point',
};

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

/** Runs the work with a place for checkpoints and a training. */
const withPlace = (
  work: (
    place: { store: ObjectStore; prefix: string; scratch: string },
    training: ReturnType<typeof smallTraining>,
  ) => Promise<void>,
): Promise<void> =>
  inFolder(async (scratch) => {
    const training = smallTraining();
    try {
      await work({ store: memoryStore(), prefix: 'jobs/ä/', scratch }, training);
      assert.deepEqual(readdirSync(scratch), [], 'nothing stays in the scratch folder');
    } finally {
      training.dispose();
    }
  });

describe('checkpoints', () => {
  it('give back the state, the weights and the optimizer, to the bit', () =>
    withPlace(async (place, { learner: { network }, optimizer, weights }) => {
      const checkpoints = new Checkpoints(place, 'one');
      optimizer.begin();
      await checkpoints.save(state, network.parameters, optimizer);
      const other = smallTraining();
      const [first] = other.learner.network.parameters.variables();
      const moved = first?.variable.read();
      first?.variable.assign(moved?.add(1) as NonNullable<typeof moved>);

      const loaded = await checkpoints.load();
      await checkpoints.restore(
        loaded as NonNullable<typeof loaded>,
        other.learner.network.parameters,
        other.optimizer,
      );

      assert.deepEqual(
        { ...loaded, arrays: '' },
        { ...state, identity: 'one', arrays: '', optimizerSteps: 1 },
      );
      assert.deepEqual(other.weights(), weights());
      assert.equal(other.optimizer.steps, 1);
      other.dispose();
    }));

  it('are none at first, and none of another training', () =>
    withPlace(async (place, { learner: { network }, optimizer }) => {
      const checkpoints = new Checkpoints(place, 'one');
      assert.deepEqual([await checkpoints.load(), await checkpoints.loadBest()], [null, null]);
      await checkpoints.save(state, network.parameters, optimizer);
      await checkpoints.saveBest(1, 0.5, network.parameters);
      const others = new Checkpoints(place, 'two');
      assert.deepEqual([await others.load(), await others.loadBest()], [null, null]);
      assert.deepEqual([await checkpoints.isOfAnother(), await others.isOfAnother()], [false, true]);
    }));

  it('hold the last state and the best epoch, and nothing older', () =>
    withPlace(async (place, { learner: { network }, optimizer }) => {
      const checkpoints = new Checkpoints(place, 'one');
      for (let epoch = 1; epoch <= 3; epoch++) {
        await checkpoints.save({ ...state, epoch }, network.parameters, optimizer);
        await checkpoints.saveBest(epoch, epoch / 10, network.parameters);
      }
      const keys = await keysOf(place.store);
      assert.equal(keys.length, 4, keys.join());
      assert.equal((await checkpoints.load())?.epoch, 3);
      assert.equal((await checkpoints.loadBest())?.score, 0.3);
    }));

  it('do not touch what is beside them, and can be cleared', () =>
    withPlace(async (place, { learner: { network }, optimizer }) => {
      await place.store.put('jobs/ä.json', Buffer.from('{}'));
      const checkpoints = new Checkpoints(place, 'one');
      await checkpoints.save(state, network.parameters, optimizer);
      await checkpoints.saveBest(1, 0.5, network.parameters);
      await checkpoints.clear();
      assert.deepEqual(await keysOf(place.store), ['jobs/ä.json']);
      assert.equal(await checkpoints.load(), null);
    }));

  it('killed between the arrays and the state leave the state before, whole', () =>
    withPlace(async (place, { learner: { network }, optimizer, weights }) => {
      const checkpoints = new Checkpoints(place, 'one');
      await checkpoints.save(state, network.parameters, optimizer);
      const before = weights();
      const dying: ObjectStore = {
        ...place.store,
        put: async (key, ...rest) => {
          if (key.endsWith('state.json')) throw new Error('killed');
          return place.store.put(key, ...rest);
        },
      };
      const [first] = network.parameters.variables();
      const value = first?.variable.read();
      const moved = value?.add(1) as NonNullable<typeof value>;
      value?.dispose();
      first?.variable.assign(moved);
      moved.dispose();

      await assert.rejects(
        new Checkpoints({ ...place, store: dying }, 'one').save(
          { ...state, epoch: 2 },
          network.parameters,
          optimizer,
        ),
        /killed/,
      );

      const loaded = await checkpoints.load();
      assert.equal(loaded?.epoch, 1);
      await checkpoints.restore(loaded, network.parameters, optimizer);
      assert.deepEqual(weights(), before);
    }));

  for (const [what, content] of Object.entries({
    'no JSON': '{',
    'an old form': '{"identity":"one"}',
    empty: '',
  })) {
    it(`whose state is ${what} are an error that says what to do`, () =>
      withPlace(async (place) => {
        await place.store.put('jobs/ä/state.json', Buffer.from(content));
        await assert.rejects(
          new Checkpoints(place, 'one').load(),
          (error: unknown) =>
            error instanceof CorruptDataError && /state\.json.*Delete it/.test(error.message),
        );
      }));
  }

  for (const [what, random] of Object.entries({
    'too short': [1, 2, 3],
    'too long': [1, 2, 3, 4, 5],
    'all zeros': [0, 0, 0, 0],
    negative: [1, 2, 3, -4],
    'beyond 32 bits': [1, 2, 3, 4294967296],
    'not whole': [1, 2, 3, 4.5],
  })) {
    it(`whose random state is ${what} are damaged`, () =>
      withPlace(async (place, { learner: { network }, optimizer }) => {
        const checkpoints = new Checkpoints(place, 'one');
        for (const damage of [{ random }, { randomAtEpoch: random }]) {
          await checkpoints.save({ ...state, ...damage }, network.parameters, optimizer);
          await assert.rejects(checkpoints.load(), CorruptDataError);
        }
      }));
  }

  it('whose arrays are gone or damaged are an error', () =>
    withPlace(async (place, { learner: { network }, optimizer }) => {
      const checkpoints = new Checkpoints(place, 'one');
      await checkpoints.save(state, network.parameters, optimizer);
      const loaded = (await checkpoints.load()) as NonNullable<Awaited<ReturnType<Checkpoints['load']>>>;
      const key = `jobs/ä/${loaded.arrays}`;
      const { bytes } = (await place.store.get(key)) as { bytes: Uint8Array };
      await place.store.put(key, bytes.subarray(0, bytes.length - 4));
      await assert.rejects(checkpoints.restore(loaded, network.parameters, optimizer), CorruptDataError);
      await place.store.delete(key);
      await assert.rejects(checkpoints.restore(loaded, network.parameters, optimizer), CorruptDataError);
    }));
});
