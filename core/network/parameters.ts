/** A network's weights in TensorFlow's memory: plain tensors where frozen, variables updated in place where trained. */
import type { Tensor } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../errors.ts';
import type { Random } from '../random.ts';
import { parametersOf } from './graph.ts';
import type { NetworkGraph, PlacedParameter } from './graph.ts';
import type { ArraySource, SafetensorsFile } from './safetensors.ts';
import { tf } from './tensorflow.ts';
import { ResourceVariable } from './variables.ts';

/** Pieces of a large matrix are at most this many numbers: 4 MiB, small enough to stay in the processor's cache. */
const PIECE_NUMBERS = 2 ** 20;

type Piece = Tensor | ResourceVariable;

interface Parameter {
  readonly spec: PlacedParameter;
  readonly pieces: Piece[];
}

/** Gives the numbers of `count` rows (along the first axis) from `start` on. */
export type WeightSource = (spec: PlacedParameter, start: number, count: number) => Float32Array;

export class ParameterStore {
  readonly #parameters = new Map<string, Parameter>();

  constructor(graph: NetworkGraph, source: WeightSource) {
    for (const spec of parametersOf(graph)) {
      const pieces = rowRanges(spec).map(([start, count]) =>
        makePiece(spec, source(spec, start, count), count),
      );
      this.#parameters.set(spec.name, { spec, pieces });
    }
  }

  specs(): PlacedParameter[] {
    return [...this.#parameters.values()].map(({ spec }) => spec);
  }

  /** The value, in pieces along the first axis. Dispose of what is read (or read in a `tf.tidy`) before updating. */
  read(name: string): Tensor[] {
    return this.#parameter(name).pieces.map((piece) =>
      piece instanceof ResourceVariable ? piece.read() : piece.clone(),
    );
  }

  /** The variable behind one piece of a trained parameter. */
  variable(name: string, piece: number): ResourceVariable {
    const found = this.#parameter(name).pieces[piece];
    if (!(found instanceof ResourceVariable))
      throw new InvalidInputError(`parameter '${name}' is not trained`);
    return found;
  }

  /** All trained pieces, in order. */
  *variables(): Iterable<{ name: string; piece: number; variable: ResourceVariable }> {
    for (const [name, { pieces }] of this.#parameters) {
      for (const [piece, variable] of pieces.entries()) {
        if (variable instanceof ResourceVariable) yield { name, piece, variable };
      }
    }
  }

  /** The weights to write to a file; `only` chooses by spec. Each piece leaves TensorFlow's memory when its turn comes. */
  sources(only: (spec: PlacedParameter) => boolean = () => true): ArraySource[] {
    return this.specs()
      .filter(only)
      .map((spec) => ({
        name: spec.name,
        shape: spec.shape,
        pieces: () => numbersOf(this.#parameter(spec.name).pieces),
      }));
  }

  /** Overwrites trained parameters with those of a file that has them. */
  restore(file: SafetensorsFile): void {
    for (const { spec, pieces } of this.#parameters.values()) {
      if (!spec.trainable) continue;
      for (const [i, [start, count]] of rowRanges(spec).entries()) {
        const piece = pieces[i] as ResourceVariable;
        const value = tf.tensor(file.read(spec.name, start, count), piece.shape);
        piece.assign(value);
        value.dispose();
      }
    }
  }

  dispose(): void {
    for (const { pieces } of this.#parameters.values()) for (const piece of pieces) piece.dispose();
    this.#parameters.clear();
  }

  #parameter(name: string): Parameter {
    const parameter = this.#parameters.get(name);
    if (parameter === undefined) throw new InvalidInputError(`the network has no parameter '${name}'`);
    return parameter;
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

function makePiece(spec: PlacedParameter, numbers: Float32Array, rows: number): Piece {
  const value = tf.tensor(numbers, [rows, ...spec.shape.slice(1)]);
  if (!spec.trainable) return value;
  const variable = new ResourceVariable(value);
  value.dispose();
  return variable;
}

function* numbersOf(pieces: readonly Piece[]): Iterable<Float32Array> {
  for (const piece of pieces) {
    const value = piece instanceof ResourceVariable ? piece.read() : piece;
    const numbers = value.dataSync() as Float32Array;
    if (value !== piece) value.dispose();
    yield numbers;
  }
}

/** Takes every parameter from a file. */
export function fromFile(file: SafetensorsFile): WeightSource {
  return (spec, start, count) => {
    const found = file.shape(spec.name);
    if (found.join() !== spec.shape.join()) {
      throw new InvalidInputError(
        `'${spec.name}' has shape [${found}] in the weight file, but the network needs [${spec.shape}]`,
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
export function firstOf(file: SafetensorsFile, otherwise: WeightSource): WeightSource {
  const given = fromFile(file);
  return (spec, start, count) => (file.has(spec.name) ? given : otherwise)(spec, start, count);
}
