/** Choosing how long to train on pictures that were kept out of training. */
import type { Tensor2D } from '@tensorflow/tfjs-node';
import { groupsByClass, takeGroups } from '../images/same-picture.ts';
import type { Random } from '../random.ts';
import { rowsByLabel } from './batches.ts';
import { whitenedDistances } from './cross-fit.ts';
import type { Validation } from './loop.ts';
import type { WhiteningOptions } from './whitening.ts';

/** Rows to train on and rows to choose on. */
export interface Selection {
  readonly trained: Int32Array;
  readonly kept: Int32Array;
}

/**
 * Keeps a share of each class, rounded, at least one; classes of one or two pictures are only trained on.
 * @param groups rows of one group stay together, see {@link groupsByClass}
 */
export function keepForSelection(
  labels: Int32Array,
  share: number,
  random: Random,
  groups: Int32Array = Int32Array.from(labels.keys()),
): Selection {
  const kept = new Set<number>();
  const byClass = groupsByClass(labels, groups);
  for (const rows of rowsByLabel(labels)) {
    const own = byClass.get(labels[rows[0] as number] as number) ?? [];
    const most = rows.length - 2;
    const count = Math.min(Math.max(1, Math.round(rows.length * share)), most);
    if (share > 0 && count > 0) {
      for (const row of takeGroups(random.shuffle([...own]), count, most)) kept.add(row);
    }
  }
  const all = Array.from(labels, (_, row) => row);
  return {
    trained: Int32Array.from(all.filter((row) => !kept.has(row))),
    kept: Int32Array.from(all.filter((row) => kept.has(row))),
  };
}

/**
 * Tells the kept rows by the trained ones, whitened from these alone, with the nearest neighbour. The score is the share
 * that is right; where that is equal, the mean relative margin (d_other - d_own) / (d_other + d_own) decides, which counts
 * for half a picture at most: tuning widens margins also where it makes nothing better.
 * @param features (rows, d) of all rows
 */
export function judgeKept(
  features: Tensor2D,
  labels: Int32Array,
  { trained, kept }: Selection,
  options: WhiteningOptions,
): Validation {
  const trainedLabels = trained.map((row) => labels[row] as number);
  const margins: number[] = [];
  whitenedDistances(features, kept, trained, trainedLabels, options, (row, apart) =>
    margins.push(relativeMargin(apart, trainedLabels, labels[row] as number)),
  );
  const accuracy = margins.filter((value) => value > 0).length / margins.length;
  const margin = margins.reduce((a, b) => a + b, 0) / margins.length;
  return { loss: null, accuracy, score: accuracy + margin / (2 * margins.length) };
}

/** (d_other - d_own) / (d_other + d_own), from the nearest row of the own class and of any other; in [-1, 1]. */
function relativeMargin(row: Float32Array, labels: Int32Array, own: number): number {
  let [mine, other] = [Infinity, Infinity];
  for (const [i, value] of row.entries()) {
    if (labels[i] === own) mine = Math.min(mine, value);
    else other = Math.min(other, value);
  }
  return mine + other === 0 ? 0 : (other - mine) / (other + mine);
}
