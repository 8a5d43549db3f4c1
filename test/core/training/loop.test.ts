import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError, DivergedError, NotFoundError } from '../../../core/errors.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { liveVariables } from '../../../core/network/variables.ts';
import { Random } from '../../../core/random.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import type { EpochRecord } from '../../../core/training/checkpoint.ts';
import { Checkpoints } from '../../../core/training/checkpoint.ts';
import { trainLoop } from '../../../core/training/loop.ts';
import type { LoopContext, LoopPlan, LoopResult } from '../../../core/training/loop.ts';
import type { TrainingProgress } from '../../../core/training/progress.ts';
import type { Learner } from '../../../core/training/step.ts';
import { contextOn, inFolder, smallTraining, stopAfter } from './small.ts';
import type { SmallTraining } from './small.ts';

interface Result {
  readonly epoch: number;
  readonly curve: Omit<EpochRecord, 'seconds'>[];
  readonly weights: number[];
}

/** What a loop gave, without what differs from run to run. */
function resultOf({ curve, epoch }: LoopResult, training: SmallTraining): Result {
  return { epoch, curve: curve.map(({ seconds: _seconds, ...rest }) => rest), weights: training.weights() };
}

/** One process' part of a training: from its start, or a checkpoint, to its end or its error. */
async function run(
  store: ObjectStore,
  scratch: string,
  context: Partial<LoopContext> = {},
  plan: Partial<LoopPlan> = {},
): Promise<Result> {
  const training = smallTraining(plan);
  try {
    return resultOf(await trainLoop(training.plan, contextOn(store, scratch, context)), training);
  } finally {
    training.dispose();
  }
}

/** The store, until so many changes were made; the one after dies before it is done. */
function dyingAfter(store: ObjectStore, changes: number): ObjectStore {
  let left = changes;
  const dying = async <R>(change: () => Promise<R>): Promise<R> => {
    if (left-- <= 0) throw new Error('killed');
    return change();
  };
  return {
    ...store,
    put: (...args) => dying(async () => store.put(...args)),
    delete: (key) => dying(async () => store.delete(key)),
  };
}

/** Scores of the untrained network and after every epoch. */
function scripted(scores: readonly number[]): Pick<LoopPlan, 'validate' | 'keepBest'> {
  let next = 0;
  return {
    keepBest: true,
    validate: () => ({ loss: null, accuracy: null, score: scores[next++] as number }),
  };
}

describe('a training that is stopped and resumed', () => {
  it('ends as if it had never been, stopped by a signal before any batch', () =>
    inFolder(async (folder) => {
      const whole = await run(memoryStore(), folder);
      assert.equal(whole.curve.length, 2);
      for (let batches = 1; batches <= 5; batches++) {
        const store = memoryStore();
        await assert.rejects(run(store, folder, stopAfter(batches, 'signal')), CancelledError);
        assert.deepEqual(await run(store, folder, { resume: 'continue' }), whole, `stopped after ${batches}`);
      }
    }));

  it('ends as if it had never been, killed after any batch, from a checkpoint after each', () =>
    inFolder(async (folder) => {
      const whole = await run(memoryStore(), folder);
      for (let batches = 1; batches <= 6; batches++) {
        const store = memoryStore();
        await assert.rejects(
          run(store, folder, { ...stopAfter(batches, 'death'), checkpointSeconds: -1 }),
          /killed/,
        );
        assert.deepEqual(await run(store, folder, { resume: 'continue' }), whole, `killed after ${batches}`);
      }
    }));

  it('ends as if it had never been, stopped again and again', () =>
    inFolder(async (folder) => {
      const whole = await run(memoryStore(), folder);
      const store = memoryStore();
      for (let i = 0; i < 5; i++) {
        const context = { ...stopAfter(1, 'signal'), resume: i === 0 ? 'no' : 'continue' } as const;
        await assert.rejects(run(store, folder, context), CancelledError);
      }
      assert.deepEqual(await run(store, folder, { resume: 'continue' }), whole);
    }));

  it('ends as if it had never been, killed at any change of the store', () =>
    inFolder(async (folder) => {
      const start = async (store: ObjectStore, context: Partial<LoopContext>): Promise<Result> => {
        const training = smallTraining({ keepBest: true });
        // The score is a function of the weights alone, as a real one is.
        const validate = () => {
          const weights = training.weights();
          const score = weights.reduce((sum, x, i) => sum + (i % 2 === 0 ? x : -x), 0);
          return { loss: null, accuracy: null, score };
        };
        try {
          const plan = { ...training.plan, validate };
          const learnt = await trainLoop(
            plan,
            contextOn(store, folder, { ...context, checkpointSeconds: -1 }),
          );
          return resultOf(learnt, training);
        } finally {
          training.dispose();
        }
      };
      const whole = await start(memoryStore(), {});
      let changes = 0;
      for (; ; changes++) {
        const store = memoryStore();
        const first = await start(dyingAfter(store, changes), {}).catch((error: Error) => error);
        if (!(first instanceof Error)) break;
        assert.match(first.message, /killed/);
        assert.deepEqual(
          await start(store, { resume: 'continue' }),
          whole,
          `killed at change ${changes + 1}`,
        );
      }
    }));

  it('that finds only the checkpoint of another training says so and begins anew', () =>
    inFolder(async (folder) => {
      const store = memoryStore();
      const notes: string[] = [];
      const report = (progress: TrainingProgress): void => {
        if (progress.phase === 'note') notes.push(progress.text);
      };
      const whole = await run(store, folder, { resume: 'continue', report });
      await assert.rejects(run(store, folder, stopAfter(2, 'signal')), CancelledError);
      const place = { store, prefix: 'jobs/1/', scratch: folder };
      const changed = { checkpoints: new Checkpoints(place, 'other pictures'), report };
      assert.deepEqual(await run(store, folder, changed), whole);
      assert.deepEqual(notes, [], 'nobody asked for a checkpoint that is there');
      assert.deepEqual(await run(store, folder, { ...changed, resume: 'continue' }), whole);
      assert.equal(notes.length, 1);
      assert.match(notes[0] ?? '', /pictures or options have changed.*begins anew/);
      assert.deepEqual(await run(store, folder, { resume: 'continue', report }), whole);
      assert.equal(notes.length, 1, 'its own checkpoint is gone on from without a word');
    }));

  it('starts over when there is no checkpoint, or one of another training', () =>
    inFolder(async (folder) => {
      const store = memoryStore();
      const whole = await run(store, folder, { resume: 'continue' });
      await assert.rejects(run(store, folder, stopAfter(2, 'signal')), CancelledError);
      const { checkpoints } = contextOn(store, folder);
      assert.notEqual(await checkpoints.load(), null);
      assert.deepEqual(await run(store, folder), whole, 'it was not asked to go on');
    }));
});

describe('a training by its seed', () => {
  it('is the same for the same seed and another for another', () =>
    inFolder(async (folder) => {
      const [a, b, c] = [
        await run(memoryStore(), folder, { random: new Random(1) }),
        await run(memoryStore(), folder, { random: new Random(1) }),
        await run(memoryStore(), folder, { random: new Random(2) }),
      ];
      assert.deepEqual(b, a);
      assert.notDeepEqual(c.weights, a.weights);
    }));
});

describe('the best epoch', () => {
  /** Trains with these scores and tells which epoch's weights are the result. */
  async function bestOf(scores: readonly number[], change: Partial<LoopPlan> = {}): Promise<number> {
    return inFolder(async (folder) => {
      const after: string[] = [];
      const training = smallTraining();
      const validate = () => {
        after.push(training.weights().join());
        return { loss: null, accuracy: null, score: scores[after.length - 1] as number };
      };
      const plan = { ...training.plan, epochs: scores.length - 1, validate, keepBest: true, ...change };
      const { epoch } = await trainLoop(plan, contextOn(memoryStore(), folder));
      const result = after.indexOf(training.weights().join());
      assert.equal(epoch, result);
      training.dispose();
      return result;
    });
  }

  it('is the result, wherever it is', async () => {
    assert.equal(await bestOf([0.1, 0.2, 0.9, 0.4]), 2);
    assert.equal(await bestOf([0.1, 0.2, 0.3, 0.4]), 3);
    assert.equal(await bestOf([0.1, 0.5, 0.5, 0.5]), 1, 'the first of equals');
  });

  it('may be that before the first, when training only made it worse', async () => {
    assert.equal(await bestOf([0.9, 0.2, 0.3]), 0);
  });

  it('has to beat the untrained network by the handicap, and later ones not', async () => {
    assert.equal(await bestOf([0.5, 0.6, 0.65], { handicap: 0.2 }), 0);
    assert.equal(await bestOf([0.5, 0.75, 0.76], { handicap: 0.2 }), 2);
  });

  it('is not the result where the last one is asked for', async () => {
    assert.equal(await bestOf([0.1, 0.9, 0.4], { keepBest: false }), 2);
  });

  it('is not waited for any longer when the plan has enough', async () => {
    assert.equal(await bestOf([0.1, 0.2, 0.3, 0.4], { stopEarly: (curve) => curve.length === 2 }), 2);
  });

  it('of a stopped training can be asked for', () =>
    inFolder(async (folder) => {
      const store = memoryStore();
      const scores = scripted([0.1, 0.9, 0.3]);
      await assert.rejects(
        run(store, folder, stopAfter(8, 'signal'), { ...scores, epochs: 5 }),
        CancelledError,
      );
      const best = await run(store, folder, { resume: 'best' }, { epochs: 5 });
      const once = await run(memoryStore(), folder, {}, { epochs: 1 });
      assert.deepEqual(best.weights, once.weights);
      assert.deepEqual(best.curve, once.curve);
    }));

  it('cannot be asked for where none was measured', () =>
    inFolder(async (folder) => {
      const store = memoryStore();
      await assert.rejects(run(store, folder, stopAfter(4, 'signal')), CancelledError);
      await assert.rejects(run(store, folder, { resume: 'best' }), NotFoundError);
      await assert.rejects(run(memoryStore(), folder, { resume: 'best' }), NotFoundError);
    }));
});

describe('a training that diverges', () => {
  /** The loss of the learner, from the given batch on made something else. */
  function spoilt(learner: Learner, from: number, factor: number): Learner {
    let calls = 0;
    const { loss } = learner;
    return {
      ...learner,
      loss: {
        ...loss,
        value(input) {
          const result = loss.value(input);
          return ++calls < from ? result : { ...result, loss: result.loss.mul(factor).add(factor) };
        },
      },
    };
  }

  for (const [what, factor] of [
    ['is no number', NaN],
    ['is infinite', Infinity],
    ['runs away', 1e6],
  ] as const) {
    it(`stops with a clear error when its loss ${what}, and the best epoch stays`, () =>
      inFolder(async (folder) => {
        const store = memoryStore();
        const training = smallTraining({ ...scripted([0.1, 0.9, 0.3]), epochs: 3 });
        const plan = { ...training.plan, learner: spoilt(training.learner, 5, factor) };
        await assert.rejects(
          trainLoop(plan, contextOn(store, folder)),
          (error: unknown) =>
            error instanceof DivergedError &&
            /epoch 2, batch 2 of 3.*epoch 1 were the best/s.test(error.message),
        );
        training.dispose();
        const best = await run(store, folder, { resume: 'best' });
        const once = await run(memoryStore(), folder, {}, { epochs: 1 });
        assert.deepEqual(best.weights, once.weights);
      }));
  }

  it('says so when no epoch was finished before', () =>
    inFolder(async (folder) => {
      const training = smallTraining();
      const plan = { ...training.plan, learner: spoilt(training.learner, 1, NaN) };
      await assert.rejects(trainLoop(plan, contextOn(memoryStore(), folder)), /No epoch was finished before/);
      training.dispose();
    }));
});

describe('what a training tells', () => {
  it('is every batch and every epoch, with means over the epoch so far', () =>
    inFolder(async (folder) => {
      const told: TrainingProgress[] = [];
      const { curve } = await run(memoryStore(), folder, { report: (progress) => told.push(progress) });
      const batches = told.filter(({ phase }) => phase === 'training') as Extract<
        TrainingProgress,
        { phase: 'training' }
      >[];
      const epochs = told.filter(({ phase }) => phase === 'epoch') as Extract<
        TrainingProgress,
        { phase: 'epoch' }
      >[];
      assert.deepEqual(
        batches.map(({ epoch, batch }) => [epoch, batch]),
        [
          [1, 1],
          [1, 2],
          [1, 3],
          [2, 1],
          [2, 2],
          [2, 3],
        ],
      );
      assert.deepEqual(
        epochs.map(({ epoch, loss }) => [epoch, loss]),
        curve.map(({ epoch, loss }) => [epoch, loss]),
      );
      assert.equal(batches[2]?.loss, curve[0]?.loss);
      assert.ok(batches.every(({ active }) => active >= 0 && active <= 1));
    }));

  it('leaves tensors and variables constant over epochs, with validation and checkpoints', () =>
    inFolder(async (folder) => {
      const before = [tf.memory().numTensors, liveVariables()];
      const counts: string[] = [];
      const report = ({ phase }: TrainingProgress): void => {
        if (phase === 'epoch') counts.push(`${tf.memory().numTensors} ${liveVariables()}`);
      };
      await run(
        memoryStore(),
        folder,
        { report, checkpointSeconds: -1 },
        { ...scripted([1, 2, 3, 4, 5]), epochs: 4 },
      );
      assert.equal(counts.length, 4);
      assert.equal(new Set(counts).size, 1, counts.join(', '));
      assert.deepEqual([tf.memory().numTensors, liveVariables()], before);
    }));
});
