/** Holds an operation against tfjs' own automatic differentiation of the same maths in plain tfjs operations. */
import assert from 'node:assert/strict';
import type { Tensor } from '@tensorflow/tfjs-node';
import { tf } from '../../../../core/network/tensorflow.ts';
import type { NodeBase, Operation } from '../../../../core/network/ops/operation.ts';
import { assertClose, normals } from '../../../support/numbers.ts';

export interface Case<Node extends NodeBase> {
  readonly operation: Operation<Node>;
  readonly node: Node;
  /** Shapes with the batch axis. */
  readonly inputs: readonly (readonly number[])[];
  /** Rows in each piece of the parameters that are kept in several. */
  readonly pieces?: Readonly<Record<string, readonly number[]>>;
  readonly reference: (inputs: Tensor[], parameters: Record<string, Tensor>) => Tensor;
}

const random = (shape: readonly number[], seed: number): Tensor =>
  tf.tensor(
    normals(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    [...shape],
  );

/** Compares the output, the gradients at the inputs and at the trainable parameters, and counts tensors. */
export function checkOperation<Node extends NodeBase>(test: Case<Node>): void {
  tf.tidy(() => {
    const inputs = test.inputs.map((shape, i) => random(shape, i + 1));
    const parameters = randomParameters(test);
    const expected = test.reference(inputs, parameters);
    const gradient = random(expected.shape, 99);
    const weights = test.operation.weights?.(test.node, reader(test, parameters)) ?? [];

    const output = test.operation.forward(test.node, inputs, weights);

    assert.deepEqual(output.shape, expected.shape);
    assert.deepEqual(output.shape.slice(1), [...outputShape(test)]);
    assertClose(output.dataSync(), expected.dataSync(), { what: 'outputs' });
    checkInputGradients(test, inputs, parameters, weights, gradient);
    checkParameterGradients(test, inputs, parameters, gradient);
    checkTogether(test, inputs, parameters, weights, gradient);
  });
}

function checkInputGradients<Node extends NodeBase>(
  { operation, node, reference }: Case<Node>,
  inputs: Tensor[],
  parameters: Record<string, Tensor>,
  weights: Tensor[],
  gradient: Tensor,
): void {
  if (operation.inputGradients === undefined) return;
  const expected = tf.grads((...given: Tensor[]) => reference(given, parameters))(inputs, gradient);
  const step = { node, inputs, gradient };
  const all = operation.inputGradients(
    step,
    weights,
    inputs.map(() => true),
  );
  for (const [i, made] of all.entries()) {
    assert.deepEqual(made?.shape, inputs[i]?.shape);
    assertClose(made?.dataSync() ?? [], expected[i]?.dataSync() ?? [], { what: `gradients at input ${i}` });
  }
  const none = operation.inputGradients(
    step,
    weights,
    inputs.map(() => false),
  );
  assert.deepEqual(
    none,
    inputs.map(() => null),
    'nothing is computed that is not needed',
  );
}

function checkParameterGradients<Node extends NodeBase>(
  test: Case<Node>,
  inputs: Tensor[],
  parameters: Record<string, Tensor>,
  gradient: Tensor,
): void {
  const { operation, node, reference } = test;
  const trainable = specsOf(test)
    .filter((spec) => spec.trainable)
    .map(({ name }) => name);
  if (trainable.length === 0) return;
  const expected = tf.grads((...given: Tensor[]) =>
    reference(inputs, {
      ...parameters,
      ...Object.fromEntries(trainable.map((name, i) => [name, given[i] as Tensor])),
    }),
  )(
    trainable.map((name) => parameters[name] as Tensor),
    gradient,
  );
  const before = tf.memory().numTensors;
  const made = new Map<string, number[]>();
  const pieces = new Map<string, number>();

  const read = reader(test, parameters);
  const step = { node, inputs, gradient };
  const handedOut =
    operation.gradients?.(
      step,
      read,
      inputs.map(() => false),
    ) ?? operation.parameterGradients?.(step, read);
  for (const { name, piece, gradient: part } of handedOut ?? []) {
    assert.equal(piece, pieces.get(name) ?? 0, 'pieces come in order');
    pieces.set(name, piece + 1);
    made.set(name, [...(made.get(name) ?? []), ...part.dataSync()]);
    part.dispose();
  }

  assert.equal(tf.memory().numTensors, before, 'nothing is left but what was handed out');
  assert.deepEqual([...made.keys()].toSorted(), trainable.toSorted());
  for (const [i, name] of trainable.entries()) {
    assertClose(made.get(name) ?? [], expected[i]?.dataSync() ?? [], {
      what: `gradients of ${name}`,
      floor: 10,
    });
  }
}

/** Made together, the gradients at the inputs are what they are when made alone. */
function checkTogether<Node extends NodeBase>(
  test: Case<Node>,
  inputs: Tensor[],
  parameters: Record<string, Tensor>,
  weights: Tensor[],
  gradient: Tensor,
): void {
  const { operation, node } = test;
  const step = { node, inputs, gradient };
  const needed = inputs.map(() => true);
  const made = operation.gradients?.(step, reader(test, parameters), needed);
  if (made === undefined) return;
  let next = made.next();
  for (; !next.done; next = made.next()) next.value.gradient.dispose();
  const alone = operation.inputGradients?.(step, weights, needed) ?? [];
  for (const [i, expected] of alone.entries()) {
    assertClose(next.value[i]?.dataSync() ?? [], expected?.dataSync() ?? [], {
      what: `together at input ${i}`,
    });
  }
}

const outputShape = <Node extends NodeBase>({ operation, node, inputs }: Case<Node>): readonly number[] =>
  operation.outputShape(
    node,
    inputs.map((shape) => shape.slice(1)),
  );

const specsOf = <Node extends NodeBase>({ operation, node, inputs }: Case<Node>) =>
  operation.parameters?.(
    node,
    inputs.map((shape) => shape.slice(1)),
  ) ?? [];

/** Normally distributed, variances positive. */
function randomParameters<Node extends NodeBase>(test: Case<Node>): Record<string, Tensor> {
  return Object.fromEntries(
    specsOf(test).map(({ name, shape }, i) => {
      const drawn = random(shape, 10 + i);
      return [name, name.endsWith('variance') ? drawn.square().add(0.5) : drawn];
    }),
  );
}

function reader<Node extends NodeBase>(test: Case<Node>, parameters: Record<string, Tensor>) {
  return (name: string): Tensor[] => {
    const whole = parameters[name] as Tensor;
    const rows = test.pieces?.[name];
    return rows === undefined ? [whole.clone()] : tf.split(whole, [...rows], 0);
  };
}
