import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-node';
import { batchNorm } from '../../../../core/network/ops/batch-norm.ts';
import { caffePreprocess } from '../../../../core/network/ops/caffe-preprocess.ts';
import { conv } from '../../../../core/network/ops/conv.ts';
import type { ConvNode } from '../../../../core/network/ops/conv.ts';
import { dense } from '../../../../core/network/ops/dense.ts';
import { l2Normalize } from '../../../../core/network/ops/l2-normalize.ts';
import { globalMaxPool, gridAveragePool } from '../../../../core/network/ops/pooling.ts';
import { resize } from '../../../../core/network/ops/resize.ts';
import { add, concat, flatten, globalAveragePool, maxPool } from '../../../../core/network/ops/shaping.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { assertClose } from '../../../support/numbers.ts';
import { checkOperation } from './gradients.ts';

const base = { name: 'n', inputs: ['x'] };

describe('a dense layer', () => {
  const product = ([x]: Tensor[], { 'n/kernel': kernel }: Record<string, Tensor>): Tensor =>
    tf.matMul(x as Tensor2D, kernel as Tensor2D);

  it('multiplies and adds its bias, and has their gradients', () => {
    checkOperation({
      operation: dense,
      node: { ...base, op: 'dense', units: 4 },
      inputs: [[3, 7]],
      reference: (inputs, weights) => product(inputs, weights).add(weights['n/bias'] as Tensor),
    });
  });

  it('needs no bias', () => {
    checkOperation({
      operation: dense,
      node: { ...base, op: 'dense', units: 4, bias: false },
      inputs: [[3, 7]],
      reference: product,
    });
  });

  it('gives the same from a kernel kept in several pieces', () => {
    checkOperation({
      operation: dense,
      node: { ...base, op: 'dense', units: 5 },
      inputs: [[4, 11]],
      pieces: { 'n/kernel': [4, 4, 3] },
      reference: (inputs, weights) => product(inputs, weights).add(weights['n/bias'] as Tensor),
    });
  });

  it('gives the same from pieces without a bias', () => {
    checkOperation({
      operation: dense,
      node: { ...base, op: 'dense', units: 2, bias: false },
      inputs: [[1, 5]],
      pieces: { 'n/kernel': [1, 4] },
      reference: product,
    });
  });
});

describe('a convolution with its batch normalisation', () => {
  /** Neither folded nor padded by the kernel: pad, convolve, add the bias, normalise. */
  function unfolded(node: ConvNode) {
    return ([x]: Tensor[], weights: Record<string, Tensor>): Tensor => {
      const p = node.padding;
      const padded = tf.pad(x as Tensor, [
        [0, 0],
        [p, p],
        [p, p],
        [0, 0],
      ]) as Tensor4D;
      const sum = tf
        .conv2d(padded, weights['n/kernel'] as Tensor4D, node.stride, 'valid')
        .add(weights['n/bias'] as Tensor);
      const deviation = (weights['bn/moving_variance'] as Tensor).add(node.epsilon).sqrt();
      return sum
        .sub(weights['bn/moving_mean'] as Tensor)
        .div(deviation)
        .mul(weights['bn/gamma'] as Tensor)
        .add(weights['bn/beta'] as Tensor);
    };
  }

  for (const [size, stride, padding, side] of [
    [1, 1, 0, 5],
    [1, 2, 0, 6],
    [3, 1, 1, 5],
    [3, 1, 0, 5],
    [3, 2, 1, 6],
    [5, 2, 1, 9],
    [7, 2, 3, 11],
  ] as const) {
    it(`of ${size}x${size}, stride ${stride}, padding ${padding} on ${side}x${side}, folded, is what it is unfolded`, () => {
      const node: ConvNode = {
        ...base,
        op: 'conv',
        weights: 'n',
        batchNorm: 'bn',
        filters: 4,
        size,
        stride,
        padding,
        epsilon: 1e-3,
      };
      checkOperation({ operation: conv, node, inputs: [[2, side, side, 3]], reference: unfolded(node) });
    });
  }
});

describe('batch normalisation on its moving statistics', () => {
  for (const shape of [
    [6, 5],
    [2, 3, 3, 5],
  ]) {
    it(`of shape ${shape.join('x')} is the formula, and has its gradients`, () => {
      checkOperation({
        operation: batchNorm,
        node: { ...base, op: 'batch-norm', epsilon: 1e-3 },
        inputs: [shape],
        reference: ([x], weights) =>
          (x as Tensor)
            .sub(weights['n/moving_mean'] as Tensor)
            .div((weights['n/moving_variance'] as Tensor).add(1e-3).sqrt())
            .mul(weights['n/gamma'] as Tensor)
            .add(weights['n/beta'] as Tensor),
      });
    });
  }
});

describe('operations without weights', () => {
  it('flatten keeps the numbers in their order', () => {
    checkOperation({
      operation: flatten,
      node: { ...base, op: 'flatten' },
      inputs: [[3, 2, 4, 2]],
      reference: ([x]) => (x as Tensor).reshape([3, 16]),
    });
  });

  it('add sums two and three inputs', () => {
    for (const count of [2, 3]) {
      checkOperation({
        operation: add,
        node: { ...base, op: 'add' },
        inputs: Array.from({ length: count }, () => [2, 3, 3, 2]),
        reference: (inputs) => inputs.reduce((sum, x) => sum.add(x)),
      });
    }
  });

  it('concat puts vectors side by side', () => {
    checkOperation({
      operation: concat,
      node: { ...base, op: 'concat' },
      inputs: [
        [3, 2],
        [3, 4],
        [3, 1],
      ],
      reference: (inputs) => tf.concat(inputs as Tensor2D[], 1),
    });
  });

  it('global average pooling is the mean of a map', () => {
    checkOperation({
      operation: globalAveragePool,
      node: { ...base, op: 'global-average-pool' },
      inputs: [[2, 3, 4, 5]],
      reference: ([x]) => (x as Tensor).sum([1, 2]).div(12),
    });
  });

  it('l2 normalisation gives rows of length one', () => {
    checkOperation({
      operation: l2Normalize,
      node: { ...base, op: 'l2-normalize' },
      inputs: [[4, 6]],
      reference: ([x]) => (x as Tensor).div((x as Tensor).square().sum(1, true).sqrt()),
    });
  });

  it('l2 normalisation leaves a row of zeros at zero', () => {
    tf.tidy(() => {
      const rows = tf.tensor2d([0, 0, 3, 4], [2, 2]);
      const output = l2Normalize.forward({ ...base, op: 'l2-normalize' }, [rows], []);
      assertClose(output.dataSync(), [0, 0, 0.6, 0.8]);
    });
  });

  it('resizing mixes the nearest pixels by the distance of their centres', () => {
    const [side, size] = [3, 5];
    const row = (y: number, x: number): number => [1, 5, 2, 0, 7, 3, 4, 4, 9][y * side + x] as number;
    const naive = Array.from({ length: size * size }, (_, i) => {
      const [y, x] = [Math.floor(i / size), i % size].map((k) =>
        Math.min(side - 1, Math.max(0, ((k + 0.5) * side) / size - 0.5)),
      ) as [number, number];
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const [bottom, right] = [Math.min(side - 1, top + 1), Math.min(side - 1, left + 1)];
      const mix = (a: number, b: number, t: number): number => a * (1 - t) + b * t;
      return mix(
        mix(row(top, left), row(top, right), x - left),
        mix(row(bottom, left), row(bottom, right), x - left),
        y - top,
      );
    });
    tf.tidy(() => {
      const x = tf.tensor4d([1, 5, 2, 0, 7, 3, 4, 4, 9], [1, side, side, 1]);
      const output = resize.forward({ ...base, op: 'resize', size }, [x], []);
      assert.deepEqual(output.shape, [1, size, size, 1]);
      assertClose(output.dataSync(), naive, { tolerance: 1e-6 });
    });
  });

  it('max pooling takes the largest of each window, with zeros around', () => {
    tf.tidy(() => {
      const x = tf.tensor4d([1, 2, 3, 4, -5, 6, 7, 8, 9], [1, 3, 3, 1]);
      const node = { ...base, op: 'max-pool', size: 3, stride: 2, padding: 1 } as const;
      const output = maxPool.forward(node, [x], []);
      assert.deepEqual(maxPool.outputShape(node, [[3, 3, 1]]), [2, 2, 1]);
      assert.deepEqual([...output.dataSync()], [4, 6, 8, 9]);
    });
  });

  it('the backbone sees blue, green, red, minus the mean of ImageNet', () => {
    tf.tidy(() => {
      const output = caffePreprocess.forward(
        { ...base, op: 'caffe-preprocess' },
        [tf.tensor4d([255, 100, 0, 1, 2, 3], [1, 1, 2, 3])],
        [],
      );
      assertClose(
        output.dataSync(),
        [-103.939, 100 - 116.779, 255 - 123.68, 3 - 103.939, 2 - 116.779, 1 - 123.68],
        {
          tolerance: 1e-6,
        },
      );
    });
  });
});

describe('pooling of whole maps', () => {
  it('takes the maximum, which gets the whole gradient', () => {
    checkOperation({
      operation: globalMaxPool,
      node: { ...base, op: 'global-max-pool' },
      inputs: [[2, 3, 5, 4]],
      reference: ([x]) => (x as Tensor).max([1, 2]),
    });
  });

  it('shares the gradient among equal maxima', () => {
    tf.tidy(() => {
      const x = tf.tensor4d([1, 7, 7, 0], [1, 2, 2, 1]);
      const step = {
        node: { ...base, op: 'global-max-pool' } as const,
        inputs: [x],
        gradient: tf.tensor2d([[6]]),
      };

      const [gradient] = globalMaxPool.inputGradients?.(step, [], [true]) ?? [];

      assert.deepEqual([...(gradient as Tensor).dataSync()], [0, 3, 3, 0]);
    });
  });

  for (const [height, width, cells] of [
    [4, 6, 2],
    [7, 9, 2],
    [5, 8, 3],
    [3, 3, 1],
  ] as const) {
    it(`takes the mean of each of ${cells} x ${cells} cells of ${height} x ${width}`, () => {
      const from = (side: number, cell: number): number => cell * Math.floor(side / cells);
      const length = (side: number): number => side - (cells - 1) * Math.floor(side / cells);
      checkOperation({
        operation: gridAveragePool,
        node: { ...base, op: 'grid-average-pool', cells },
        inputs: [[2, height, width, 3]],
        reference: ([x]) => {
          const means = Array.from({ length: cells * cells }, (_, cell) => {
            const [top, left] = [from(height, Math.floor(cell / cells)), from(width, cell % cells)];
            const window = tf.slice(x as Tensor, [0, top, left, 0], [2, length(height), length(width), 3]);
            return window.mean([1, 2]);
          });
          return tf.concat(means, 1);
        },
      });
    });
  }

  it('refuses more cells than there are places', () => {
    const node = { ...base, op: 'grid-average-pool', cells: 3 } as const;

    assert.throws(() => gridAveragePool.outputShape(node, [[2, 5, 4]]), /3 x 3 cells over a map of 2 x 5/);
  });
});
