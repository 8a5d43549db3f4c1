/** TensorFlow's GraphDef in its JSON form, written node by node. */

/** A node of TensorFlow's GraphDef, as its JSON form has it. */
export interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, unknown>>;
}

/** A small array that belongs to the graph itself. */
export interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly values: readonly number[];
}

/** An array of the network, under its name in the ONNX model. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  /** Kernels of convolutions are (height, width, channels, filters) here, and (filters, channels, height, width) there. */
  readonly isKernel: boolean;
}

/** A tensor's shape. */
export const dimensionsOf = (shape: readonly number[]): unknown => ({
  dim: shape.map((size) => ({ size: String(size) })),
});

/** The attribute of operations on 32-bit floats. */
export const FLOAT = { T: { type: 'DT_FLOAT' } };
export const text = (value: string): unknown => ({ s: Buffer.from(value).toString('base64') });
export const ints = (values: readonly number[]): unknown => ({ list: { i: values.map(String) } });

/** Collects nodes, and the constants that belong to them. */
export class GraphWriter {
  readonly nodes: NodeDef[] = [];
  readonly constants: Constant[] = [];
  readonly #weights = new Map<string, Weight>();

  get weights(): readonly Weight[] {
    return [...this.#weights.values()];
  }

  /** An array of the network; nodes may share it. @returns its name */
  weight(name: string, shape: readonly number[], isKernel = false): string {
    if (this.#weights.has(name)) return name;
    this.#weights.set(name, { name, shape, isKernel });
    this.constantNode(name, shape, 'DT_FLOAT');
    return name;
  }

  node(
    name: string,
    op: string,
    input: readonly string[],
    attr: Readonly<Record<string, unknown>> = FLOAT,
  ): string {
    this.nodes.push({ name, op, input, attr });
    return name;
  }

  placeholder(name: string, shape: readonly number[]): void {
    this.node(name, 'Placeholder', [], {
      dtype: { type: 'DT_FLOAT' },
      shape: { shape: dimensionsOf(shape) },
    });
  }

  constantNode(name: string, shape: readonly number[], dtype: 'DT_FLOAT' | 'DT_INT32'): void {
    this.node(name, 'Const', [], {
      dtype: { type: dtype },
      value: { tensor: { dtype, tensorShape: dimensionsOf(shape) } },
    });
  }

  floats(name: string, values: readonly number[], shape: readonly number[] = [values.length]): string {
    this.constants.push({ name, shape, dtype: 'float32', values });
    this.constantNode(name, shape, 'DT_FLOAT');
    return name;
  }

  ints(name: string, values: readonly number[], shape: readonly number[] = [values.length]): string {
    this.constants.push({ name, shape, dtype: 'int32', values });
    this.constantNode(name, shape, 'DT_INT32');
    return name;
  }
}
