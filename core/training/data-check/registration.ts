/**
 * How alike two pictures are once one is laid over the other: scaled and moved so that they fit best. That tells a
 * picture that was saved again, resized or cropped a little from another picture of a similar thing.
 *
 * Maximised is the correlation of all pixels where both are, by Gauss and Newton with Levenberg's damping, from coarse
 * to fine (the enhanced correlation coefficient of Evangelidis and Psarakis 2008, with four parameters).
 */
import type { Level } from './pyramid.ts';

/** Pixel u, v of the one, in -1/2..1/2, lies at (scaleX u + x, scaleY v + y) of the other. */
type Placement = readonly [scaleX: number, scaleY: number, x: number, y: number];

const UNMOVED: Placement = [1, 1, 0, 0];
/** How far pictures may be cropped against each other and still count as the same. */
const MOST = { scale: 1.3, move: 0.15 };
/** Whoever correlates less than this at the level is given up; the last is for the finest. */
const WORTH_GOING_ON = [0.75, 0.9, 0];
const STEPS = 8;
/** A step that gains less is the last. */
const ENOUGH = 1e-4;

/**
 * The correlation at the finest level, in -1..1, or a smaller one where it was given up on the way.
 * @param one, other of the same sizes, coarsest first, with something to see in them
 */
export function likeness(one: readonly Level[], other: readonly Level[]): number {
  let placement = UNMOVED;
  let best = 0;
  for (const [i, level] of one.entries()) {
    [placement, best] = improved(level, other[i] as Level, placement);
    if (best < (WORTH_GOING_ON[i] ?? 0)) return best;
  }
  return best;
}

function improved(one: Level, other: Level, start: Placement): [Placement, number] {
  let [placement, damping] = [start, 1e-3];
  let fit = fitOf(one, other, placement);
  for (let step = 0; step < STEPS && damping < 1e3; step++) {
    const next = moved(placement, fit, damping);
    const nextFit = next === null ? null : fitOf(one, other, next);
    if (next === null || nextFit === null || !(nextFit.correlation > fit.correlation)) {
      damping *= 10;
      continue;
    }
    const gain = nextFit.correlation - fit.correlation;
    [placement, fit, damping] = [next, nextFit, damping / 10];
    if (gain < ENOUGH) break;
  }
  return [placement, fit.correlation];
}

/** What a step of the optimisation starts from: the correlation, and its gradient and curvature by the placement. */
interface Fit {
  readonly correlation: number;
  readonly gradient: readonly number[];
  /** (4,4), row-major. */
  readonly curvature: readonly number[];
}

function moved(placement: Placement, { gradient, curvature }: Fit, damping: number): Placement | null {
  const step = solved(
    curvature.map((value, i) => (i % 5 === 0 ? value * (1 + damping) + 1e-12 : value)),
    gradient,
  );
  const next = placement.map((value, i) => value + (step[i] as number));
  const isNear = next.every((value, i) =>
    i < 2 ? value < MOST.scale && value > 1 / MOST.scale : Math.abs(value) < MOST.move,
  );
  return isNear ? (next as unknown as Placement) : null;
}

/** Pixels of `one` taken bilinearly where those of `other` fall, held against them. */
function fitOf(one: Level, other: Level, placement: Placement): Fit {
  const samples = sampled(one, other, placement);
  const { count, channels } = samples;
  // Sums over channel by channel centred values: a of one, b of other, j of the derivatives of a.
  let [aa, bb, ab] = [0, 0, 0];
  const [ja, jb, jj] = [new Float64Array(4), new Float64Array(4), new Float64Array(16)];
  for (const { a, b, dx, dy, u, v } of channels) {
    const means = [mean(a, count), mean(b, count), ...slopes(dx, dy, u, v, count)];
    for (let i = 0; i < count; i++) {
      const [p, q] = [a[i]! - means[0]!, b[i]! - means[1]!];
      const j0 = dx[i]! * u[i]! - means[2]!;
      const j1 = dy[i]! * v[i]! - means[3]!;
      const j2 = dx[i]! - means[4]!;
      const j3 = dy[i]! - means[5]!;
      aa += p * p;
      bb += q * q;
      ab += p * q;
      ja[0]! += j0 * p;
      ja[1]! += j1 * p;
      ja[2]! += j2 * p;
      ja[3]! += j3 * p;
      jb[0]! += j0 * q;
      jb[1]! += j1 * q;
      jb[2]! += j2 * q;
      jb[3]! += j3 * q;
      jj[0]! += j0 * j0;
      jj[1]! += j0 * j1;
      jj[2]! += j0 * j2;
      jj[3]! += j0 * j3;
      jj[5]! += j1 * j1;
      jj[6]! += j1 * j2;
      jj[7]! += j1 * j3;
      jj[10]! += j2 * j2;
      jj[11]! += j2 * j3;
      jj[15]! += j3 * j3;
    }
  }
  if (aa === 0 || bb === 0) return { correlation: 0, gradient: [0, 0, 0, 0], curvature: [...jj] };
  const [lengthA, lengthB] = [Math.sqrt(aa), Math.sqrt(bb)];
  const correlation = ab / (lengthA * lengthB);
  // Of a / |a| the derivatives are (j - a (j.a) / a.a) / |a|.
  const gradient = [...ja].map((value, k) => jb[k]! / (lengthA * lengthB) - (correlation * value) / aa);
  const curvature = Array.from({ length: 16 }, (_, at) => {
    const [r, c] = [Math.floor(at / 4), at % 4];
    const product = r <= c ? jj[r * 4 + c]! : jj[c * 4 + r]!;
    return (product - (ja[r]! * ja[c]!) / aa) / aa;
  });
  return { correlation, gradient, curvature };
}

interface Channel {
  readonly a: Float32Array;
  readonly b: Float32Array;
  /** Slopes of `a` at the place, by a picture's width and height. */
  readonly dx: Float32Array;
  readonly dy: Float32Array;
  /** The place in `other`. */
  readonly u: Float32Array;
  readonly v: Float32Array;
}

function sampled(
  { side, values: from }: Level,
  other: Level,
  [scaleX, scaleY, moveX, moveY]: Placement,
): { count: number; channels: Channel[] } {
  const columns = placesOf(side, scaleX, moveX);
  const rows = placesOf(side, scaleY, moveY);
  const size = columns.length * rows.length;
  const numbers = (): Float32Array => new Float32Array(size);
  const [u, v] = [numbers(), numbers()];
  const channels = [0, 1, 2].map(() => ({ a: numbers(), b: numbers(), dx: numbers(), dy: numbers(), u, v }));
  let i = 0;
  for (const row of rows) {
    for (const column of columns) {
      u[i] = column.centre;
      v[i] = row.centre;
      const corner = (row.first * side + column.first) * 3;
      const there = (row.index * side + column.index) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const at = corner + channel;
        const [p, q] = [from[at]!, from[at + 3]!];
        const [r, s] = [from[at + side * 3]!, from[at + side * 3 + 3]!];
        const top = p + (q - p) * column.share;
        const bottom = r + (s - r) * column.share;
        const into = channels[channel] as Channel;
        into.a[i] = top + (bottom - top) * row.share;
        into.b[i] = other.values[there + channel]!;
        into.dx[i] = ((q - p) * (1 - row.share) + (s - r) * row.share) * side;
        into.dy[i] = (bottom - top) * side;
      }
      i++;
    }
  }
  return { count: size, channels };
}

/** Along one axis: the pixels of the other picture that fall into this one, and between which of its pixels. */
function placesOf(
  side: number,
  scale: number,
  move: number,
): { index: number; centre: number; first: number; share: number }[] {
  return Array.from({ length: side }, (_, index) => {
    const centre = (index + 0.5) / side - 0.5;
    const place = (scale * centre + 0.5 + move) * side - 0.5;
    const first = Math.min(side - 2, Math.max(0, Math.floor(place)));
    return { index, centre, first, share: place - first };
  }).filter(({ share }) => share >= -0.5 && share <= 1.5);
}

function mean(values: Float32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i]!;
  return sum / count;
}

/** Means of the derivatives of `a` by scaleX, scaleY, x and y. */
function slopes(
  dx: Float32Array,
  dy: Float32Array,
  u: Float32Array,
  v: Float32Array,
  count: number,
): number[] {
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    sums[0]! += dx[i]! * u[i]!;
    sums[1]! += dy[i]! * v[i]!;
    sums[2]! += dx[i]!;
    sums[3]! += dy[i]!;
  }
  return sums.map((sum) => sum / count);
}

/** x of the symmetric, positive 4x4 system, by elimination. */
function solved(matrix: readonly number[], right: readonly number[]): number[] {
  const rows = right.map((value, i) => [...matrix.slice(i * 4, i * 4 + 4), value]);
  for (const [i, pivot] of rows.entries()) {
    for (const row of rows.slice(i + 1)) {
      const factor = row[i]! / pivot[i]!;
      for (let c = i; c <= 4; c++) row[c]! -= factor * pivot[c]!;
    }
  }
  const x = [0, 0, 0, 0];
  for (let i = 3; i >= 0; i--) {
    const row = rows[i] as number[];
    const known = x.reduce((sum, value, c) => (c > i ? sum + value * row[c]! : sum), 0);
    x[i] = (row[4]! - known) / row[i]!;
  }
  return x;
}
