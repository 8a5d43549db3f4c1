/** Runs a network: forward alone, or forward and backward with every update made as soon as its gradient is there. */
import type { Tensor } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../errors.ts';
import { shapesOf, trainableNodes } from './graph.ts';
import type { NetworkGraph } from './graph.ts';
import { operationOf } from './ops/index.ts';
import type { NetworkNode } from './ops/index.ts';
import type { BackwardStep, Operation, ParameterGradient, Shape } from './ops/operation.ts';
import type { ParameterStore } from './parameters.ts';
import { reluGradient } from './raw-ops.ts';
import { tf } from './tensorflow.ts';

/** Known outputs by node name; the batch axis comes first. */
export type Activations = Readonly<Record<string, Tensor>>;

/** A forward pass that can be run backward. Dispose of it after use. */
export interface Recording {
  readonly output: Tensor;
  /**
   * Hands each parameter's gradient to `update`, from the last node to the first, and frees it afterwards. Rows whose
   * gradient is zero add nothing to any of them and are left out of the work. It can be called once.
   * @param gradient at the output, same shape
   */
  backward(gradient: Tensor, update: (gradient: ParameterGradient) => void): void;
  dispose(): void;
}

/** A forward pass that a backward pass may follow. */
interface Pass {
  readonly plan: readonly NetworkNode[];
  readonly known: ReadonlyMap<string, Tensor>;
  /** Weights of trained nodes, as they were used. */
  readonly weights: Map<string, Tensor[]>;
}

/** A graph with its parameters, run forward and backward. Dispose of it after use; the parameters go with it. */
export class Network {
  readonly graph: NetworkGraph;
  readonly parameters: ParameterStore;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly #trained: ReadonlySet<string>;
  /** Weights of frozen nodes, folded once. */
  readonly #folded = new Map<string, Tensor[]>();

  constructor(graph: NetworkGraph, parameters: ParameterStore) {
    this.graph = graph;
    this.parameters = parameters;
    this.shapes = shapesOf(graph);
    this.#trained = trainableNodes(graph);
  }

  /** Numbers in an embedding. */
  get dimensions(): number {
    return (this.shapes.get(this.graph.output) as Shape)[0] as number;
  }

  /**
   * The outputs of the nodes named, from whatever is given: pixels, or cached outputs of nodes in between.
   * Everything in between is freed as soon as nothing needs it any more.
   */
  forward(given: Activations, wanted: readonly string[] = [this.graph.output]): Record<string, Tensor> {
    const plan = this.#plan(given, wanted);
    const uses = countUses(plan, wanted);
    const known = new Map<string, Tensor>(Object.entries(given));
    for (const node of plan) {
      known.set(node.name, this.#forwardNode(node, known));
      for (const input of node.inputs) {
        const left = (uses.get(input) ?? 0) - 1;
        uses.set(input, left);
        if (left === 0 && !Object.hasOwn(given, input)) known.get(input)?.dispose();
      }
    }
    return Object.fromEntries(
      wanted.map((name) => [name, kept(known.get(name) as Tensor, Object.hasOwn(given, name))]),
    );
  }

  /** The output from cached outputs, remembering what a backward pass needs. */
  record(given: Activations): Recording {
    const plan = this.#plan(given, [this.graph.output]);
    const known = new Map<string, Tensor>(Object.entries(given));
    const pass: Pass = { plan, known, weights: new Map() };
    for (const node of plan) {
      if (this.#trained.has(node.name)) {
        const weights = tf.tidy(() => this.#weights(node)).map((weight) => tf.keep(weight));
        pass.weights.set(node.name, weights);
      }
      known.set(node.name, this.#forwardNode(node, known, pass.weights.get(node.name)));
    }
    return {
      output: known.get(this.graph.output) as Tensor,
      backward: (gradient, update) => this.#backward(pass, gradient, update),
      dispose: () => {
        for (const node of plan) known.get(node.name)?.dispose();
        for (const weights of pass.weights.values()) tf.dispose(weights);
      },
    };
  }

  dispose(): void {
    for (const weights of this.#folded.values()) tf.dispose(weights);
    this.#folded.clear();
    this.parameters.dispose();
  }

  #forwardNode(node: NetworkNode, known: ReadonlyMap<string, Tensor>, weights?: Tensor[]): Tensor {
    return tf.tidy(() => {
      const inputs = node.inputs.map((input) => known.get(input) as Tensor);
      const operation = operationOf(node);
      const output = operation.forward(node, inputs, weights ?? this.#weights(node));
      return node.relu && !operation.rectifies ? output.relu() : output;
    });
  }

  /** Call within a `tf.tidy`: what belongs to a trained node is freed at its end. */
  #weights(node: NetworkNode): Tensor[] {
    const operation = operationOf(node);
    if (operation.weights === undefined) return [];
    const read = (name: string): Tensor[] => this.parameters.read(name);
    const fold = (): Tensor[] => operation.weights?.(node, read) ?? [];
    if (this.#trained.has(node.name)) return fold();
    let folded = this.#folded.get(node.name);
    if (folded === undefined) {
      folded = tf.tidy(fold).map((weight) => tf.keep(weight));
      this.#folded.set(node.name, folded);
    }
    return folded;
  }

  #backward(whole: Pass, gradientOfAll: Tensor, update: (gradient: ParameterGradient) => void): void {
    const rows = teachingRows(gradientOfAll);
    const reached = this.#reachedByGradient(whole.plan);
    const pass = rows === null ? whole : { ...whole, known: this.#rowsOf(whole, reached, rows) };
    const start = rows === null ? gradientOfAll.clone() : takeRows(gradientOfAll, rows);
    const gradients = new Map<string, Tensor>([[this.graph.output, start]]);
    for (const node of pass.plan.toReversed()) {
      const arrived = gradients.get(node.name);
      if (arrived === undefined || !reached.has(node.name)) continue;
      gradients.delete(node.name);
      this.#backwardNode(node, pass, arrived, reached, gradients, update);
    }
    if (rows !== null) for (const tensor of pass.known.values()) tensor.dispose();
  }

  /** Some rows of every activation that a backward pass looks at. */
  #rowsOf({ plan, known }: Pass, reached: ReadonlySet<string>, rows: readonly number[]): Map<string, Tensor> {
    const names = new Set(
      plan
        .filter(({ name }) => reached.has(name))
        .flatMap(({ name, inputs, relu }) => (relu ? [name, ...inputs] : inputs)),
    );
    return new Map([...names].map((name) => [name, takeRows(known.get(name) as Tensor, rows)]));
  }

  #backwardNode(
    node: NetworkNode,
    { known, weights }: Pass,
    arrived: Tensor,
    reached: ReadonlySet<string>,
    gradients: Map<string, Tensor>,
    update: (gradient: ParameterGradient) => void,
  ): void {
    const operation = operationOf(node);
    const gradient = node.relu ? reluGradient(arrived, known.get(node.name) as Tensor) : arrived;
    if (gradient !== arrived) arrived.dispose();
    const inputs = node.inputs.map((input) => known.get(input) as Tensor);
    const step = { node, inputs, gradient };
    const needed = node.inputs.map((input) => reached.has(input));
    const trained = this.#trained.has(node.name);
    const made =
      (trained ? this.#gradientsTogether(operation, step, needed, weights, update) : null) ??
      this.#gradientsInTurn(operation, step, needed, weights, update);
    for (const [i, input] of node.inputs.entries()) accumulate(gradients, input, made[i] ?? null);
    gradient.dispose();
  }

  /** @returns the gradients at the inputs; null when the operation does not make both kinds together */
  #gradientsTogether(
    operation: Operation<NetworkNode>,
    step: BackwardStep<NetworkNode>,
    needed: readonly boolean[],
    weights: Map<string, Tensor[]>,
    update: (gradient: ParameterGradient) => void,
  ): (Tensor | null)[] | null {
    const all = operation.gradients?.(step, (name) => this.parameters.read(name), needed);
    if (all === undefined) return null;
    // A generator has not begun yet: nothing was read.
    release(weights, step.node.name);
    for (let next = all.next(); ; next = all.next()) {
      if (next.done) return next.value;
      update(next.value);
      next.value.gradient.dispose();
    }
  }

  /** @returns the gradients at the inputs */
  #gradientsInTurn(
    operation: Operation<NetworkNode>,
    step: BackwardStep<NetworkNode>,
    needed: readonly boolean[],
    weights: Map<string, Tensor[]>,
    update: (gradient: ParameterGradient) => void,
  ): (Tensor | null)[] {
    const { node } = step;
    const own = weights.get(node.name);
    // tfjs' types know no null among what a tidy returns; its code does.
    const inputs = needed.some(Boolean)
      ? tf.tidy(
          () => (operation.inputGradients?.(step, own ?? this.#weights(node), needed) ?? []) as Tensor[],
        )
      : [];
    release(weights, node.name);
    if (this.#trained.has(node.name)) {
      const read = (name: string): Tensor[] => this.parameters.read(name);
      for (const made of operation.parameterGradients?.(step, read) ?? []) {
        update(made);
        made.gradient.dispose();
      }
    }
    return inputs;
  }

  /** Nodes that are trained themselves or stand above one that is. */
  #reachedByGradient(plan: readonly NetworkNode[]): Set<string> {
    const reached = new Set<string>();
    for (const node of plan) {
      if (this.#trained.has(node.name) || node.inputs.some((input) => reached.has(input)))
        reached.add(node.name);
    }
    return reached;
  }

  /** The nodes to run, in order, to get from what is given to what is wanted. */
  #plan(given: Activations, wanted: readonly string[]): NetworkNode[] {
    const needed = new Set(wanted.filter((name) => !Object.hasOwn(given, name)));
    const plan: NetworkNode[] = [];
    for (const node of this.graph.nodes.toReversed()) {
      if (!needed.delete(node.name)) continue;
      plan.unshift(node);
      for (const input of node.inputs) if (!Object.hasOwn(given, input)) needed.add(input);
    }
    if (needed.size > 0)
      throw new InvalidInputError(
        `the network cannot compute '${[...needed].join("', '")}' from '${Object.keys(given).join("', '")}'`,
      );
    return plan;
  }
}

/** They share the variables' buffers, which would be copied at the update if anything else still held them. */
function release(weights: Map<string, Tensor[]>, name: string): void {
  tf.dispose(weights.get(name) ?? []);
  weights.delete(name);
}

function countUses(plan: readonly NetworkNode[], wanted: readonly string[]): Map<string, number> {
  const uses = new Map<string, number>(wanted.map((name) => [name, 1]));
  for (const node of plan) for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  return uses;
}

/** Forward results belong to the caller, also where they are what was given. */
function kept(tensor: Tensor, given: boolean): Tensor {
  return given ? tensor.clone() : tensor;
}

/** Rows are picked in multiples of this: TensorFlow prepares its kernels anew for every number of rows it has not met. */
const ROWS_TOGETHER = 8;
/** Picking costs about a tenth of the work on what is picked; with more rows than this share all are kept. */
const WORTH_PICKING = 0.85;

/**
 * The rows whose gradient is not all zero, with some others to make their number even, or null where all are to be kept.
 * There is always one at least: optimizers with momentum move on without a gradient, too.
 */
function teachingRows(gradient: Tensor): number[] | null {
  const count = gradient.shape[0];
  const summed = tf.tidy(() => gradient.abs().sum(1));
  const sums = [...summed.dataSync()];
  summed.dispose();
  const order = sums.map((_, row) => row).toSorted((a, b) => Number(sums[b] !== 0) - Number(sums[a] !== 0));
  const teaching = sums.filter((sum) => sum !== 0).length;
  const picked = Math.max(1, Math.ceil(teaching / ROWS_TOGETHER)) * ROWS_TOGETHER;
  return picked > count * WORTH_PICKING ? null : order.slice(0, picked).toSorted((a, b) => a - b);
}

function takeRows(tensor: Tensor, rows: readonly number[]): Tensor {
  return tf.tidy(() => tf.gather(tensor, tf.tensor1d([...rows], 'int32')));
}

function accumulate(gradients: Map<string, Tensor>, name: string, made: Tensor | null): void {
  if (made === null) return;
  const before = gradients.get(name);
  if (before === undefined) {
    gradients.set(name, made);
    return;
  }
  gradients.set(name, before.add(made));
  before.dispose();
  made.dispose();
}
