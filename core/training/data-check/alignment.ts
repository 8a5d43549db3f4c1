/**
 * How alike two images are once one is laid over the other: the crop that fits best is searched for. That tells an
 * image that was saved again, resized, cropped a little or mirrored from another image of a similar object.
 */

/** RGB as numbers, rows from the top, `side * side * 3` of them. */
export interface Level {
  readonly side: number;
  readonly values: Float32Array;
}

/** What is cut off the left, top, right and bottom, as shares of the side; negative: what is added. */
type Crop = readonly number[];

const WHOLE: Crop = [0, 0, 0, 0];
/** Read from the right edge to the left one. */
const MIRRORED: Crop = [1, 0, 1, 0];
/** One edge moves, or two opposite ones together. */
const MOVES: readonly Crop[] = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
  [1, 0, -1, 0],
  [0, 1, 0, -1],
].flatMap((move) => [move, move.map((value) => -value)]);
/** Steps of the moves at each level, and the least correlation that is worth the next level. */
const SEARCH = [
  { steps: [0.04, 0.02], least: 0.85 },
  { steps: [0.01], least: 0.93 },
  { steps: [0.005, 0.0025], least: 0 },
] as const;
/** How far an edge may move. */
const FARTHEST = 0.15;
/** A move that gains less is not made. */
const GAIN = 1e-4;

/** The image and its halves, the smallest first. @param side divisible by 4 */
export function pyramid(rgb: ArrayLike<number>, side: number): Level[] {
  const full = { side, values: Float32Array.from(rgb) };
  const half = halved(full);
  return [halved(half), half, full];
}

function halved({ side, values }: Level): Level {
  const half = side / 2;
  const means = Float32Array.from({ length: half * half * 3 }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const at = (2 * Math.floor(pixel / half) * side + 2 * (pixel % half)) * 3 + channel;
    const below = at + side * 3;
    return (values[at]! + values[at + 3]! + values[below]! + values[below + 3]!) / 4;
  });
  return { side: half, values: means };
}

/**
 * The correlation under the best crop, in -1..1; a smaller one where the search was given up early.
 * @param one, other pyramids of the same sizes @param isMirrored whether `other` is mirrored first
 */
export function alignedCorrelation(
  one: readonly Level[],
  other: readonly Level[],
  isMirrored = false,
): number {
  const start = isMirrored ? MIRRORED : WHOLE;
  let crop = start;
  let best = 0;
  for (const [i, { steps, least }] of SEARCH.entries()) {
    const at = (place: Crop): number => correlation(one[i] as Level, other[i] as Level, place);
    best = at(crop);
    for (const step of steps) {
      for (let before = -Infinity; best > before;) {
        before = best;
        for (const move of MOVES) {
          const next = crop.map((value, edge) => value + step * (move[edge] as number));
          if (next.some((value, edge) => Math.abs(value - (start[edge] as number)) > FARTHEST)) continue;
          const value = at(next);
          if (value > best + GAIN) [crop, best] = [next, value];
        }
      }
    }
    if (best < least) break;
  }
  return best;
}

/** Of the pixels of `a` with those of the crop of `b`, taken bilinearly; each channel is centred on its mean. */
function correlation(a: Level, b: Level, [left = 0, top = 0, right = 0, bottom = 0]: Crop): number {
  const { side } = a;
  const [columns, rows] = [samplesAlong(side, left, right), samplesAlong(side, top, bottom)];
  const count = columns.length * rows.length;
  let [aa, bb, ab] = [0, 0, 0];
  for (let channel = 0; channel < 3; channel++) {
    let [sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0];
    for (const row of rows) {
      for (const column of columns) {
        const at = (row.first * side + column.first) * 3 + channel;
        const below = at + side * 3;
        const upper = b.values[at]! + (b.values[at + 3]! - b.values[at]!) * column.share;
        const lower = b.values[below]! + (b.values[below + 3]! - b.values[below]!) * column.share;
        const p = a.values[(row.index * side + column.index) * 3 + channel]!;
        const q = upper + (lower - upper) * row.share;
        sumA += p;
        sumB += q;
        sumAA += p * p;
        sumBB += q * q;
        sumAB += p * q;
      }
    }
    aa += sumAA - (sumA * sumA) / count;
    bb += sumBB - (sumB * sumB) / count;
    ab += sumAB - (sumA * sumB) / count;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

/** Along one axis: the pixels of `a` that fall into `b`, between which two of its pixels, and how near to the second. */
function samplesAlong(
  side: number,
  before: number,
  after: number,
): { index: number; first: number; share: number }[] {
  return Array.from({ length: side }, (_, index) => {
    const place = (before + ((index + 0.5) / side) * (1 - before - after)) * side - 0.5;
    const first = Math.min(side - 2, Math.max(0, Math.floor(place)));
    return { index, first, share: place - first };
  }).filter(({ share }) => share >= -0.5 && share <= 1.5);
}
