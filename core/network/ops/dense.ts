/**
 * A fully connected layer: x times kernel plus bias.
 *
 * A large kernel is kept in pieces of rows (see parameters.ts). The gradient of a piece is made, used for its update
 * and dropped while it is still in the processor's cache, and never exists as a whole.
 */
import type { Tensor } from '@tensorflow/tfjs-node';
import { biasAdd, biasGradient, matMul } from '../raw-ops.ts';
import { tf } from '../tensorflow.ts';
import { single } from './operation.ts';
import type { NodeBase, Operation, ParameterSpec } from './operation.ts';

export interface DenseNode extends NodeBase {
  readonly op: 'dense';
  readonly units: number;
  /** Without a bias where false; true is the default. */
  readonly bias?: boolean;
}

/** The columns of `x` (N,inputs) that meet each piece of the kernel. */
function columns(x: Tensor, rowsOfPieces: readonly number[]): Tensor[] {
  return rowsOfPieces.length === 1 ? [x] : tf.split(x, [...rowsOfPieces], 1);
}

const rowsOf = (pieces: readonly Tensor[]): number[] => pieces.map((piece) => piece.shape[0]);

export const dense: Operation<DenseNode> = {
  outputShape: (node) => [node.units],

  parameters(node, inputs) {
    const specs: ParameterSpec[] = [
      {
        name: `${node.name}/kernel`,
        shape: [single(inputs)[0] ?? 0, node.units],
        trainable: true,
        initial: 'glorot-uniform',
      },
    ];
    if (node.bias !== false) {
      specs.push({ name: `${node.name}/bias`, shape: [node.units], trainable: true, initial: 'zeros' });
    }
    return specs;
  },

  weights(node, read) {
    const kernel = read(`${node.name}/kernel`);
    return node.bias === false ? kernel : [...kernel, single(read(`${node.name}/bias`))];
  },

  forward(node, inputs, weights) {
    const pieces = node.bias === false ? weights : weights.slice(0, -1);
    const products: Tensor[] = [];
    for (const part of columns(single(inputs), rowsOf(pieces))) {
      products.push(matMul(part, pieces[products.length] as Tensor));
      if (part !== inputs[0]) part.dispose();
    }
    const sum = products.length === 1 ? (products[0] as Tensor) : tf.addN(products);
    return node.bias === false ? sum : biasAdd(sum, weights.at(-1) as Tensor);
  },

  onnx(writer, node, inputs, output) {
    const { name, shape } = single(inputs);
    const source = `${node.name}/kernel`;
    const kernel = writer.roundedWeights(source, [shape[0] ?? 0, node.units], writer.pieces(source));
    const bias = `${node.name}/bias`;
    const biases = node.bias === false ? [] : [writer.floats(bias, [node.units], writer.parameter(bias))];
    writer.node('Gemm', [name, kernel, ...biases], output);
  },

  inputGradients({ node, gradient }, weights, needed) {
    if (!single(needed)) return [null];
    const pieces = node.bias === false ? weights : weights.slice(0, -1);
    // Pieces first: with few rows in a batch, TensorFlow multiplies in this order a fifth faster.
    const parts = pieces.map((piece) => matMul(piece, gradient, false, true));
    return [tf.concat(parts, 0).transpose()];
  },

  /** Piece by piece: what a piece says of the input, and its own gradient while it is in the processor's cache. */
  *gradients({ node, inputs, gradient }, read, needed) {
    const name = `${node.name}/kernel`;
    const pieces = read(name);
    const parts: Tensor[] = [];
    for (const [i, part] of columns(single(inputs), rowsOf(pieces)).entries()) {
      const piece = pieces[i] as Tensor;
      if (single(needed)) parts.push(matMul(piece, gradient, false, true));
      piece.dispose();
      const made = matMul(part, gradient, true, false);
      if (part !== inputs[0]) part.dispose();
      yield { name, piece: i, gradient: made };
    }
    if (node.bias !== false) yield { name: `${node.name}/bias`, piece: 0, gradient: biasGradient(gradient) };
    return [parts.length === 0 ? null : together(parts)];
  },
};

/** (rows,N), (more rows,N) -> (N, all rows), and frees the parts. */
function together(parts: readonly Tensor[]): Tensor {
  const made = tf.tidy(() => tf.concat([...parts], 0).transpose());
  tf.dispose([...parts]);
  return made;
}
