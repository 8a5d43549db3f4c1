/** A network's weights: read from their source where frozen, variables updated in place where trained. */
import type { Tensor } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../errors.ts';
import type { Random } from '../random.ts';
import { parametersOf } from './graph.ts';
import type { NetworkGraph, PlacedParameter } from './graph.ts';
import type { ArraySource } from './safetensors.ts';
import { tf } from './tensorflow.ts';
import { ResourceVariable } from './variables.ts';
import type { WeightFile } from './weight-file.ts';

/** Pieces of a large matrix are at most this many numbers: 8 MiB, small enough to stay in the processor's cache. */
const PIECE_NUMBERS = 2 ** 21;

/** Gives the numbers of `count` rows (along the first axis) from `start` on; for frozen parameters always the same ones. */
export type WeightSource = (spec: PlacedParameter, start: number, count: number) => Float32Array;

/** The parameters of a graph by name. Dispose of it after use. */
export class ParameterStore {
  readonly #specs: ReadonlyMap<string, PlacedParameter>;
  readonly #variables = new Map<string, ResourceVariable[]>();
  readonly #source: WeightSource;

  /** Trained parameters are read from the source now; frozen ones whenever they are asked for, and never kept. */
  constructor(graph: NetworkGraph, source: WeightSource) {
    this.#specs = new Map(parametersOf(graph).map((spec) => [spec.name, spec]));
    this.#source = source;
    for (const spec of this.#specs.values()) {
      if (!spec.trainable) continue;
      const pieces = rowRanges(spec).map(([start, count]) =>
        makeVariable(spec, source(spec, start, count), count),
      );
      this.#variables.set(spec.name, pieces);
    }
  }

  specs(): PlacedParameter[] {
    return [...this.#specs.values()];
  }

  /** The value, in pieces along the first axis. Dispose of what is read (or read in a `tf.tidy`) before updating. */
  read(name: string): Tensor[] {
    const variables = this.#variables.get(name);
    if (variables !== undefined) return variables.map((variable) => variable.read());
    const spec = this.#spec(name);
    return [tf.tensor(this.#source(spec, 0, spec.shape[0] ?? 1), [...spec.shape])];
  }

  /** The variable behind one piece of a trained parameter. */
  variable(name: string, piece: number): ResourceVariable {
    const found = this.#variables.get(name)?.[piece];
    if (found === undefined) throw new InvalidInputError(`parameter '${name}' has no trained piece ${piece}`);
    return found;
  }

  /** All trained pieces, in order. */
  *variables(): Iterable<{ name: string; piece: number; variable: ResourceVariable }> {
    for (const [name, pieces] of this.#variables) {
      for (const [piece, variable] of pieces.entries()) yield { name, piece, variable };
    }
  }

  /** The weights to write to a file; `only` chooses by spec. Each piece leaves TensorFlow's memory when its turn comes. */
  sources(only: (spec: PlacedParameter) => boolean = () => true): ArraySource[] {
    return this.specs()
      .filter(only)
      .map((spec) => ({ name: spec.name, shape: spec.shape, pieces: () => this.#numbers(spec) }));
  }

  /**
   * Overwrites trained parameters with those of a file that has them.
   * @throws InvalidInputError when one has another shape there; those before it are overwritten then
   */
  restore(file: WeightFile): void {
    this.reset(fromFile(file));
  }

  /** Overwrites trained parameters with what the source gives. @throws what the source throws; those before it are overwritten then */
  reset(given: WeightSource): void {
    for (const [name, variables] of this.#variables) {
      const spec = this.#spec(name);
      for (const [i, [start, count]] of rowRanges(spec).entries()) {
        const variable = variables[i] as ResourceVariable;
        const value = tf.tensor(given(spec, start, count), variable.shape);
        variable.assign(value);
        value.dispose();
      }
    }
  }

  dispose(): void {
    for (const { variable } of this.variables()) variable.dispose();
    this.#variables.clear();
  }

  *#numbers(spec: PlacedParameter): Iterable<Float32Array> {
    const variables = this.#variables.get(spec.name);
    if (variables === undefined) yield this.#source(spec, 0, spec.shape[0] ?? 1);
    for (const variable of variables ?? []) yield variable.numbers();
  }

  #spec(name: string): PlacedParameter {
    const spec = this.#specs.get(name);
    if (spec === undefined) throw new InvalidInputError(`the network has no parameter '${name}'`);
    return spec;
  }
}

/** Where each piece starts and how many rows it has. Only matrices are cut. */
function rowRanges(spec: PlacedParameter): [start: number, count: number][] {
  const rows = spec.shape[0] ?? 1;
  const columns = spec.shape[1] ?? 1;
  const perPiece =
    spec.trainable && spec.shape.length === 2 ? Math.max(1, Math.floor(PIECE_NUMBERS / columns)) : rows;
  const ranges: [number, number][] = [];
  for (let start = 0; start < rows; start += perPiece) ranges.push([start, Math.min(perPiece, rows - start)]);
  return ranges;
}

function makeVariable(spec: PlacedParameter, numbers: Float32Array, rows: number): ResourceVariable {
  const value = tf.tensor(numbers, [rows, ...spec.shape.slice(1)]);
  const variable = new ResourceVariable(value);
  value.dispose();
  return variable;
}

/** Takes every parameter from a file. */
export function fromFile(file: WeightFile): WeightSource {
  return (spec, start, count) => {
    const found = file.shape(spec.name);
    if (found.join() !== spec.shape.join()) {
      throw new InvalidInputError(
        `'${spec.name}' has shape [${found.join()}] in the weight file, but the network needs [${spec.shape.join()}]`,
      );
    }
    return file.read(spec.name, start, count);
  };
}

/** Draws fresh weights as Keras does: uniform in +-sqrt(6 / (in + out)) for kernels (Glorot and Bengio 2010). */
export function fresh(random: Random): WeightSource {
  return (spec, _start, count) => {
    const perRow = spec.shape.slice(1).reduce((a, b) => a * b, 1);
    const numbers = new Float32Array(count * perRow);
    if (spec.initial === 'ones') return numbers.fill(1);
    if (spec.initial === 'zeros') return numbers;
    const [inputs, outputs] = fans(spec.shape);
    const limit = Math.sqrt(6 / (inputs + outputs));
    for (let i = 0; i < numbers.length; i++) numbers[i] = (random.float() * 2 - 1) * limit;
    return numbers;
  };
}

function fans(shape: readonly number[]): [inputs: number, outputs: number] {
  const field = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  return [field * (shape.at(-2) ?? 1), field * (shape.at(-1) ?? 1)];
}

/** Parameters that the file has come from it, the others from elsewhere. */
export function firstOf(file: WeightFile, otherwise: WeightSource): WeightSource {
  const given = fromFile(file);
  return (spec, start, count) => (file.has(spec.name) ? given : otherwise)(spec, start, count);
}
