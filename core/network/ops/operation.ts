/** What an operation of the network must say of itself. One operation a file; `index.ts` has them by name. */
import type { Tensor } from '@tensorflow/tfjs-node';
import type { OnnxWriter } from '../onnx/writer.ts';

/** The shape of one item, without the batch axis. */
export type Shape = readonly number[];

/** One step of a network. `relu`: the output is rectified; the runner does that, back always and forth unless the operation does. */
export interface NodeBase {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly relu?: boolean;
}

/** A weight array of a node. Its full name is `<name>`, as Keras names it, e.g. `conv1_conv/kernel`. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  /** Moving averages are not trainable even in a trainable node. */
  readonly trainable: boolean;
  readonly initial: 'glorot-uniform' | 'zeros' | 'ones';
}

/** Reads a parameter by its full name, as the pieces that it is kept in (along its first axis); most are one piece. */
export type ReadParameter = (name: string) => Tensor[];

/** One node at work in a backward pass. `gradient` is that at the output, already masked where the node is rectified. */
export interface BackwardStep<Node> {
  readonly node: Node;
  readonly inputs: readonly Tensor[];
  readonly gradient: Tensor;
}

/** The gradient of one piece of a parameter; whoever takes it disposes of it. */
export interface ParameterGradient {
  readonly name: string;
  readonly piece: number;
  readonly gradient: Tensor;
}

/** What a node is given, in an ONNX model: its name there, and its shape as it is here. */
export interface OnnxInput {
  readonly name: string;
  readonly shape: Shape;
}

export interface Operation<Node extends NodeBase> {
  /** `forward` rectifies itself where the node says so. */
  readonly rectifies?: true;

  outputShape(node: Node, inputs: readonly Shape[]): Shape;

  /** The node's weights, in the order in which Keras lists them. */
  parameters?(node: Node, inputs: readonly Shape[]): ParameterSpec[];

  /** What `forward` and `inputGradients` multiply with; computed once for a frozen node, else once a pass. */
  weights?(node: Node, read: ReadParameter): Tensor[];

  forward(node: Node, inputs: readonly Tensor[], weights: readonly Tensor[]): Tensor;

  /**
   * Writes the same as `forward` does, unrectified, in ONNX's terms, where maps are (N, channels, height, width).
   * The last node that it writes is called `output`.
   */
  onnx(writer: OnnxWriter, node: Node, inputs: readonly OnnxInput[], output: string): void;

  /** Gradients at the inputs, in order; null where not `needed`. */
  inputGradients?(
    step: BackwardStep<Node>,
    weights: readonly Tensor[],
    needed: readonly boolean[],
  ): (Tensor | null)[];

  /**
   * Gradients of the trainable parameters, made one after the other so that few are in memory at once.
   * What was read must be disposed of before the first is handed out: the taker updates the variables in place.
   */
  parameterGradients?(step: BackwardStep<Node>, read: ReadParameter): Iterable<ParameterGradient>;

  /**
   * Both kinds of gradients of a trained node, in place of the two functions above where it pays to make them together:
   * hands out those of the parameters, each after the last use of what its taker updates, and returns those at the inputs.
   */
  gradients?(
    step: BackwardStep<Node>,
    read: ReadParameter,
    needed: readonly boolean[],
  ): Generator<ParameterGradient, (Tensor | null)[]>;
}

/** The only input of a node that has one. */
export function single<T>(items: readonly T[]): T {
  if (items.length !== 1) throw new Error(`expected one input, got ${items.length}`);
  return items[0] as T;
}
