/**
 * Within-class whitening, in closed form: directions in which pictures of one class differ are shrunk, so that what is
 * left to tell is the class.
 *
 *   S = sum over rows (x - mean of its class)(x - mean of its class)' / (n - classes)
 *   C = (1 - shrinkage) S + shrinkage (trace S / d) I          (Ledoit and Wolf 2004, toward the mean variance)
 *   y = C^(-1/2) (x - mean)
 *
 * With d numbers a picture and only n pictures, C has n - classes directions of its own and is a multiple of I on the
 * others, so the eigenvectors come from the small n x n matrix where n < d.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../errors.ts';
import { bool, float, matMul, backend } from '../network/raw-ops.ts';
import { tf } from '../network/tensorflow.ts';

export interface Whitening {
  /** (d,d), row-major; symmetric. */
  readonly kernel: Float32Array;
  /** d numbers: minus the mean times the kernel, so that y = x kernel + bias. */
  readonly bias: Float32Array;
}

/** @param features (n,d) @param labels n class numbers @param shrinkage in (0, 1] */
export function withinClassWhitening(features: Tensor2D, labels: Int32Array, shrinkage: number): Whitening {
  if (!(shrinkage > 0 && shrinkage <= 1)) {
    throw new InvalidInputError(`whitening: shrinkage is ${shrinkage}, allowed is above 0 and up to 1`);
  }
  const [kernel, bias] = tf.tidy(() => {
    const mean = features.mean(0, true);
    const residuals = withinClassResiduals(features, labels);
    const inverse = inverseRoot(residuals, degreesOfFreedom(labels), shrinkage);
    return [inverse, matMul(mean.neg(), inverse)];
  }) as [Tensor, Tensor];
  const whitening = { kernel: kernel.dataSync() as Float32Array, bias: bias.dataSync() as Float32Array };
  tf.dispose([kernel, bias]);
  return whitening;
}

function degreesOfFreedom(labels: Int32Array): number {
  return Math.max(1, labels.length - new Set(labels).size);
}

/** Each row minus the mean of its class. */
function withinClassResiduals(features: Tensor2D, labels: Int32Array): Tensor2D {
  const numbers = new Map([...new Set(labels)].map((label, i) => [label, i]));
  const member = tf
    .oneHot(
      tf.tensor1d(
        [...labels].map((label) => numbers.get(label) as number),
        'int32',
      ),
      numbers.size,
    )
    .toFloat();
  const means = matMul(member, features, true, false).div(member.sum(0).expandDims(1));
  return features.sub(matMul(member, means)) as Tensor2D;
}

/** C^(-1/2) of the formula above, from the residuals (n,d). */
function inverseRoot(residuals: Tensor2D, freedom: number, shrinkage: number): Tensor {
  const [n, d] = residuals.shape;
  const scatter = residuals.square().sum().div(freedom);
  const floor = scatter.mul(shrinkage / d).maximum(1e-12);
  const small = n < d ? matMul(residuals, residuals, false, true) : matMul(residuals, residuals, true, false);
  const [values, vectors] = eigen(small.div(freedom));
  // Directions with next to no variance are left to the floor: their eigenvectors are rounding noise.
  const real = values.greater(values.max().mul(1e-6)).toFloat();
  const directions = n < d ? toFeatureSpace(residuals, vectors, values, freedom) : vectors;
  const gain = values
    .mul(1 - shrinkage)
    .add(floor)
    .rsqrt()
    .sub(floor.rsqrt())
    .mul(real);
  return tf
    .eye(d)
    .mul(floor.rsqrt())
    .add(matMul(directions.mul(gain), directions, false, true));
}

/** Eigenvectors u of R R' as unit eigenvectors R' u / |R' u| of R' R, one a column. */
function toFeatureSpace(residuals: Tensor, vectors: Tensor, values: Tensor, freedom: number): Tensor {
  const lengths = values.maximum(1e-12).mul(freedom).sqrt();
  return matMul(residuals, vectors, true, false).div(lengths);
}

function eigen(symmetric: Tensor): [values: Tensor, vectors: Tensor] {
  const outputs = backend().executeMultipleOutputs(
    'SelfAdjointEigV2',
    [bool('compute_v', true), float()],
    [symmetric],
    2,
  );
  return outputs as [Tensor, Tensor];
}
