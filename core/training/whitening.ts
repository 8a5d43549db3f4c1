/**
 * Within-class whitening, in closed form: directions in which pictures of one class differ are shrunk, so that what is
 * left to tell is the class. Then as few dimensions as asked for.
 *
 *   S = sum over rows (x - mean of its class)(x - mean of its class)' / (n - classes)
 *   C = (1 - shrinkage) S + shrinkage (trace S / d) I          (Ledoit and Wolf 2004, toward the mean variance)
 *   y = (x - mean) C^(-1/2) P
 *
 * P keeps the principal directions of the whitened training features: with n pictures these are fewer than n, and inner
 * products with training pictures stay exact. Dimensions that are left over hold a random projection of everything
 * else (Johnson and Lindenstrauss 1984), so that classes added later can be told apart too.
 *
 * With d numbers a picture and only n pictures, C has n - classes directions of its own and is a multiple of I on the
 * others, so nothing larger than n x n or d x dimensions is ever made where n < d.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../errors.ts';
import { unitLength } from '../network/ops/l2-normalize.ts';
import { backend, bool, float, matMul } from '../network/raw-ops.ts';
import { tf } from '../network/tensorflow.ts';
import { Random } from '../random.ts';

export interface Whitening {
  /** (d, dimensions), row-major. */
  readonly kernel: Float32Array;
  /** Minus the mean times the kernel, so that y = x kernel + bias. */
  readonly bias: Float32Array;
}

export interface WhiteningOptions {
  /** In (0, 1]. */
  readonly shrinkage: number;
  /** Numbers kept; d or more keeps all d, without P. */
  readonly dimensions: number;
  /** Of the random projection. @default 0 */
  readonly seed?: number;
}

/** @param features (n,d) @param labels n class numbers */
export function withinClassWhitening(
  features: Tensor2D,
  labels: Int32Array,
  { shrinkage, dimensions, seed = 0 }: WhiteningOptions,
): Whitening {
  if (!(shrinkage > 0 && shrinkage <= 1)) {
    throw new InvalidInputError(`whitening: shrinkage is ${shrinkage}, allowed is above 0 and up to 1`);
  }
  const [kernel, bias] = tf.tidy(() => {
    const mean = features.mean(0, true);
    const whiten = whitener(withinClassResiduals(features, labels), degreesOfFreedom(labels), shrinkage);
    const d = features.shape[1];
    const basis = dimensions >= d ? tf.eye(d) : projection(whiten(features.sub(mean)), dimensions, seed);
    const made = whiten(basis.transpose()).transpose();
    return [made, matMul(mean.neg(), made)];
  }) as [Tensor, Tensor];
  const whitening = { kernel: kernel.dataSync() as Float32Array, bias: bias.dataSync() as Float32Array };
  tf.dispose([kernel, bias]);
  return whitening;
}

/** Whitened rows, of unit length, as the network gives them: (n,d) -> (n,dimensions). */
export function applyWhitening(features: Tensor2D, { kernel, bias }: Whitening): Tensor2D {
  return tf.tidy(() => {
    const moved = tf.matMul(features, tf.tensor2d(kernel, [features.shape[1], bias.length])).add(bias);
    return unitLength(moved) as Tensor2D;
  });
}

function degreesOfFreedom(labels: Int32Array): number {
  return Math.max(1, labels.length - new Set(labels).size);
}

/** Each row minus the mean of its class. */
function withinClassResiduals(features: Tensor2D, labels: Int32Array): Tensor {
  const numbers = new Map([...new Set(labels)].map((label, i) => [label, i]));
  if (numbers.size < 2) return features.sub(features.mean(0, true));
  const rows = Array.from(labels, (label) => numbers.get(label) as number);
  const member = tf.oneHot(tf.tensor1d(rows, 'int32'), numbers.size).toFloat();
  const means = matMul(member, features, true, false).div(member.sum(0).expandDims(1));
  return features.sub(matMul(member, means));
}

/** Multiplies rows (m,d) by the symmetric C^(-1/2) of the formula above, without ever making it. */
function whitener(residuals: Tensor, freedom: number, shrinkage: number): (rows: Tensor) => Tensor {
  const d = residuals.shape[1] as number;
  const floor = residuals
    .square()
    .sum()
    .div(freedom)
    .mul(shrinkage / d)
    .maximum(1e-12);
  const { values, directions } = principal(residuals, freedom);
  const gain = values
    .mul(1 - shrinkage)
    .add(floor)
    .rsqrt()
    .sub(floor.rsqrt());
  return (rows) =>
    rows.mul(floor.rsqrt()).add(matMul(matMul(rows, directions).mul(gain), directions, false, true));
}

/** (d, dimensions): the first principal directions of the rows, and random ones orthogonal to these for the rest. */
function projection(rows: Tensor, dimensions: number, seed: number): Tensor {
  const { values, directions } = principal(rows, 1);
  const kept = Math.min(values.shape[0], dimensions);
  const [d, found] = directions.shape as [number, number];
  // Eigenvalues come in ascending order.
  const first = tf.slice(directions, [0, found - kept], [d, kept]);
  const rest = dimensions - kept;
  if (rest === 0) return first;
  const random = new Random(seed);
  const drawn = tf.tensor2d(
    Float32Array.from({ length: d * rest }, () => random.normal() / Math.sqrt(rest)),
    [d, rest],
  );
  return tf.concat([first, drawn.sub(matMul(first, matMul(first, drawn, true, false)))], 1);
}

/** Eigenvalues of R'R / divisor that are not next to nothing, ascending, and their unit eigenvectors as columns (d, count). */
function principal(rows: Tensor, divisor: number): { values: Tensor; directions: Tensor } {
  const [n, d] = rows.shape as [number, number];
  const small = n < d ? matMul(rows, rows, false, true) : matMul(rows, rows, true, false);
  const [all, vectors] = eigen(small.div(divisor));
  const numbers = all.dataSync();
  const largest = numbers.at(-1) ?? 0;
  // Below this the eigenvectors are rounding noise.
  const from = numbers.findIndex((value) => value > largest * 1e-6 && value > 0);
  if (from < 0) return { values: tf.zeros([0]), directions: tf.zeros([d, 0]) };
  const values = tf.slice(all, from);
  const columns = tf.slice(vectors, [0, from]);
  // u of RR' gives R'u / |R'u| of R'R.
  const directions = n < d ? matMul(rows, columns, true, false).div(values.mul(divisor).sqrt()) : columns;
  return { values, directions };
}

/** Eigenvalues of a symmetric matrix, ascending, and their unit eigenvectors as columns. */
export function eigen(symmetric: Tensor): [values: Tensor, vectors: Tensor] {
  const outputs = backend().executeMultipleOutputs(
    'SelfAdjointEigV2',
    [bool('compute_v', true), float()],
    [symmetric],
    2,
  );
  return outputs as [Tensor, Tensor];
}
