import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError, CollapsedError } from '../../../core/errors.ts';
import type { NetworkGraph } from '../../../core/network/graph.ts';
import { Network } from '../../../core/network/network.ts';
import { ParameterStore, fresh } from '../../../core/network/parameters.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { Random } from '../../../core/random.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { ADAM_DEFAULTS, Adam } from '../../../core/training/adam.ts';
import { WATCHFUL, hasCollapsed, observeBatch, watch } from '../../../core/training/collapse.ts';
import { distanceMatrix, distances } from '../../../core/training/distances/index.ts';
import { trainLoop } from '../../../core/training/loop.ts';
import type { LoopContext, LoopPlan } from '../../../core/training/loop.ts';
import { createLoss } from '../../../core/training/losses/index.ts';
import { createMiner } from '../../../core/training/miners/index.ts';
import type { TrainingProgress } from '../../../core/training/progress.ts';
import { assertClose } from '../../support/numbers.ts';
import { contextOn, denseGraph, inFolder, smallTraining, stopAfter } from './small.ts';

const DISTANCE = distances['squared-euclidean'];
const MARGIN = 0.3;

/** Loops over all pairs. */
function meanPairwise(rows: readonly (readonly number[])[]): number {
  let [sum, pairs] = [0, 0];
  for (const [i, a] of rows.entries()) {
    for (const b of rows.slice(i + 1)) {
      sum += a.reduce((total, x, k) => total + (x - (b[k] as number)) ** 2, 0);
      pairs++;
    }
  }
  return sum / pairs;
}

describe('what the guard sees of a batch', () => {
  const rows = [
    [1, 2, 3],
    [1, 0, -1],
    [4, 4, 4],
    [0.5, 2, 8],
  ];
  const triplets = {
    anchors: Int32Array.of(0, 2),
    positives: Int32Array.of(1, 3),
    negatives: Int32Array.of(2, 0),
  };
  const seenBy = (name: string, options = {}) => {
    const embeddings = tf.tensor2d(rows);
    const loss = createLoss(name, options);
    const seen = observeBatch({ loss, distance: DISTANCE }, embeddings, Int32Array.of(1, 1, 2, 2), triplets);
    embeddings.dispose();
    return seen;
  };

  it('is the mean squared distance between two pictures', () => {
    assertClose([seenBy('triplet').spread], [meanPairwise(rows)]);
  });

  it('is the loss of one point: the margin, log 2, or half a squared margin for pairs of two classes', () => {
    assertClose([seenBy('triplet', { margin: 0.7 }).onePoint().loss], [0.7]);
    assertClose([seenBy('soft-margin').onePoint().loss], [Math.LN2]);
    assertClose([seenBy('contrastive', { negativeMargin: 3 }).onePoint().loss], [4.5]);
    assert.equal(seenBy('triplet').onePoint().active, 1);
  });
});

describe('the guard', () => {
  const point = { loss: MARGIN, active: 1 };
  const healthy = { loss: 0.2, active: 0.6, spread: 1, onePoint: () => point };
  const collapsed = { loss: 0.301, active: 1, spread: 0.01, onePoint: () => point };
  const after = (batches: readonly (typeof healthy)[]): boolean =>
    hasCollapsed(batches.reduce(watch, WATCHFUL));
  const times = (count: number, batch: typeof healthy) => Array.from({ length: count }, () => batch);

  it('waits for ten such batches in a row', () => {
    assert.equal(after([healthy, ...times(9, collapsed)]), false);
    assert.equal(after([healthy, ...times(10, collapsed)]), true);
    assert.equal(after([healthy, ...times(9, collapsed), healthy, ...times(9, collapsed)]), false);
  });

  it('leaves in peace what only has a loss at the margin, or a small spread, or few active triplets', () => {
    assert.equal(after(times(50, { ...collapsed, spread: 1 })), false);
    assert.equal(after([healthy, ...times(50, { ...collapsed, loss: 0.1 })]), false);
    assert.equal(after([healthy, ...times(50, { ...collapsed, active: 0.5 })]), false);
    assert.equal(after(times(50, healthy)), false);
  });

  it('does not let a network pass that gives one point from the first batch on', () => {
    assert.equal(after(times(10, { ...collapsed, spread: 0 })), true);
  });
});

const unitGraph: NetworkGraph = {
  ...denseGraph,
  nodes: [...denseGraph.nodes, { op: 'l2-normalize', name: 'unit', inputs: ['out'] }],
  output: 'unit',
};

type Remedy = 'other triplets' | 'the same triplets' | 'no second attempt';

/** Vectors of noise under labels that mean nothing: the hardest triplets pull everything together when steps are large. */
function hopeless(learningRate: number, then: Remedy = 'other triplets', change: Partial<LoopPlan> = {}) {
  const small = smallTraining();
  const source = () => fresh(new Random(5));
  const network = new Network(unitGraph, new ParameterStore(unitGraph, source()));
  const optimizer = new Adam(network.parameters, { ...ADAM_DEFAULTS, learningRate });
  const mineBy =
    (name: 'batch-hard' | 'semi-hard'): NonNullable<LoopPlan['learner']['mine']> =>
    (embeddings, own, draw) =>
      createMiner(name, name === 'semi-hard' ? { margin: MARGIN } : {}).mine(
        distanceMatrix(DISTANCE, embeddings),
        own,
        draw,
      );
  const plan: LoopPlan = {
    ...small.plan,
    learner: {
      ...small.learner,
      network,
      loss: createLoss('triplet', { margin: MARGIN }),
      mine: mineBy('batch-hard'),
    },
    optimizer,
    epochs: 12,
    ...(then !== 'no second attempt' && {
      afterCollapse: {
        restart: () => network.parameters.reset(source()),
        ...(then === 'other triplets' && { miner: { name: 'semi-hard', mine: mineBy('semi-hard') } }),
      },
    }),
    ...change,
  };
  const weights = () =>
    [...network.parameters.variables()].flatMap(({ variable }) => [...variable.numbers()]);
  const dispose = (): void => {
    optimizer.dispose();
    network.dispose();
    small.dispose();
  };
  return { plan, weights, dispose };
}

/** One process' part of it. */
async function run(
  learningRate: number,
  folder: string,
  { store = memoryStore(), ...change }: Partial<LoopContext> & { store?: ObjectStore } = {},
  then: Remedy = 'other triplets',
  plan: Partial<LoopPlan> = {},
) {
  const training = hopeless(learningRate, then, plan);
  const notes: string[] = [];
  const report = (progress: TrainingProgress): void => {
    if (progress.phase === 'note') notes.push(progress.text);
    change.report?.(progress);
  };
  try {
    const { curve, epoch, collapse } = await trainLoop(
      training.plan,
      contextOn(store, folder, { ...change, report }),
    );
    const timeless = curve.map(({ seconds: _seconds, ...rest }) => rest);
    return { curve: timeless, epoch, collapse, weights: training.weights(), notes };
  } finally {
    training.dispose();
  }
}

/** Learns after all, at a tenth of it with semi-hard triplets. */
const TOO_LARGE = 0.5;
/** With the hardest triplets a tenth of it is still too large. */
const FAR_TOO_LARGE = 3;

describe('a training that collapses', () => {
  it('is stopped, says why, and learns when it begins again with other triplets and smaller steps', () =>
    inFolder(async (folder) => {
      const { curve, collapse, notes } = await run(TOO_LARGE, folder);

      assert.match(
        collapse ?? '',
        /^in epoch 4, all pictures lie nearly in one point \(.* one point's \(0\.300\), with 100 % active$/,
      );
      assert.deepEqual(notes, [
        `The training has collapsed: ${collapse}. It begins again with semi-hard triplets and a tenth of the learning rate.`,
      ]);
      assert.equal(curve.length, 12);
      assert.ok((curve.at(-1)?.loss ?? 1) < MARGIN / 3);
    }));

  it('begins again from the weights that it began with, and the optimizer from nothing', () =>
    inFolder(async (folder) => {
      const seen: { weights: number[]; steps: number }[] = [];
      const look = () => seen.push({ weights: training.weights(), steps: training.plan.optimizer.steps });
      const training = hopeless(TOO_LARGE, 'other triplets', {
        validate: () => {
          look();
          return { loss: null, accuracy: null, score: null };
        },
      });
      let again = 0;
      const report = ({ phase }: TrainingProgress): void => {
        if (phase === 'note') again = seen.length;
      };
      await trainLoop(training.plan, contextOn(memoryStore(), folder, { report }));
      training.dispose();
      assert.ok(again > 1);
      assert.deepEqual(seen[again], seen[0]);
    }));

  it('is one that never did where the learning rate is right', () =>
    inFolder(async (folder) => {
      const { collapse, notes } = await run(0.01, folder);
      assert.deepEqual([collapse, notes], [null, []]);
    }));

  it('ends the same when it is stopped or killed at any batch and resumed, before and after the collapse', () =>
    inFolder(async (folder) => {
      const whole = await run(TOO_LARGE, folder);
      const once = (text: string): boolean => /collapsed/.test(text);
      for (const how of ['signal', 'death'] as const) {
        for (const batches of [5, 12, 13, 20]) {
          const store = memoryStore();
          const error = how === 'signal' ? CancelledError : /killed/;
          await assert.rejects(
            run(TOO_LARGE, folder, { store, ...stopAfter(batches, how), checkpointSeconds: -1 }),
            error,
          );
          const resumed = await run(TOO_LARGE, folder, { store, resume: 'continue' });
          assert.ok(resumed.notes.filter(once).length <= 1);
          assert.deepEqual({ ...resumed, notes: [] }, { ...whole, notes: [] }, `${how} after ${batches}`);
        }
      }
    }));

  it('twice ends with an error that says what to do', () =>
    inFolder(async (folder) => {
      await assert.rejects(
        run(FAR_TOO_LARGE, folder, {}, 'the same triplets'),
        (error: unknown) =>
          error instanceof CollapsedError && /collapsed again: .*--learning-rate/.test(error.message),
      );
    }));

  it('twice gives the untrained weights where epochs are scored and none was better', () =>
    inFolder(async (folder) => {
      const spread = { keepBest: true, validate: () => ({ loss: null, accuracy: null, score: 0 }) };
      const { epoch, weights, notes } = await run(FAR_TOO_LARGE, folder, {}, 'the same triplets', spread);
      const untrained = await run(FAR_TOO_LARGE, folder, {}, 'other triplets', { epochs: 0 });

      assert.equal(epoch, 0);
      assert.deepEqual(weights, untrained.weights);
      assert.match(notes.at(-1) ?? '', /collapsed again: .* The untrained weights are taken\.$/);
    }));

  it('is not begun again where the plan does not say how', () =>
    inFolder(async (folder) => {
      await assert.rejects(run(TOO_LARGE, folder, {}, 'no second attempt'), CollapsedError);
    }));
});
