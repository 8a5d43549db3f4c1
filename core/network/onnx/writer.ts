/** What an operation writes itself with: nodes, and the arrays that belong to them. */
import type { WeightFile } from '../weight-file.ts';
import { LARGEST_FLOAT16, SMALLEST_NORMAL_FLOAT16, toFloat16 } from './float16.ts';
import { FLOAT32, externalTensor, node, tensor } from './model.ts';
import type { Attributes, DataType } from './model.ts';
import type { Message, Promised } from './protobuf.ts';
import { placeIn } from './shared-weights.ts';
import type { SharedWeights } from './shared-weights.ts';

/**
 * In which numbers weights are stored; they are computed with in 32 bits, whichever. `mixed`: those of dense layers in
 * 16 bits, which costs a cosine of 0.999999 at worst. Convolutions stay in 32: with 50 of them one after the other,
 * and a whitening behind that enlarges small differences, it was 0.99997.
 */
export type Precision = 'mixed' | 'float32';

/** An array in pieces, which are made anew each time. */
export type Pieces = () => Iterable<Float32Array>;

/** Ends the name of an array in 16 bits. */
export const FLOAT16_SUFFIX = '/float16';

/** Rows that are read at once: 8 MiB, as elsewhere. */
const PIECE_NUMBERS = 2 ** 21;

/** An array of the model; its bytes are made when they are written. */
export interface OnnxArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: DataType;
  readonly data: Promised;
}

/** Collects nodes and arrays; every name is written once, so that nodes may share what they have in common. */
export class OnnxWriter {
  readonly nodes: Message[] = [];
  readonly #arrays = new Map<string, OnnxArray>();
  readonly #weights: WeightFile;
  readonly #rectified: ReadonlySet<string>;
  readonly #precision: Precision;

  /** @param rectified names of nodes that give no negative number */
  constructor(weights: WeightFile, rectified: ReadonlySet<string>, precision: Precision) {
    this.#weights = weights;
    this.#rectified = rectified;
    this.#precision = precision;
  }

  /** @returns the output's name, for the next node */
  node(operation: string, inputs: readonly string[], output: string, attributes: Attributes = {}): string {
    this.nodes.push(node(operation, inputs, output, attributes));
    return output;
  }

  /** Whether the input is known to hold no negative number. */
  isRectified(input: string): boolean {
    return this.#rectified.has(input);
  }

  get arrays(): readonly OnnxArray[] {
    return [...this.#arrays.values()];
  }

  /** Every array as a tensor: within the model, unless the shared file has the same bytes under its name. */
  initializers(shared: SharedWeights | null): Message[] {
    return this.arrays.map(({ name, shape, type, data }) => {
      const place = shared && placeIn(shared, name, data);
      return place ? externalTensor(name, shape, type, place) : tensor(name, shape, type, data);
    });
  }

  /** A parameter of the network, whole. */
  parameter(name: string): Float32Array {
    return this.#weights.read(name, 0, this.#weights.shape(name)[0] ?? 1);
  }

  /** A parameter of the network in pieces of rows, never in memory as a whole. */
  pieces(name: string): Pieces {
    const [rows = 1, ...row] = this.#weights.shape(name);
    const atOnce = Math.max(1, Math.floor(PIECE_NUMBERS / row.reduce((a, b) => a * b, 1)));
    const weights = this.#weights;
    return function* pieces() {
      for (let start = 0; start < rows; start += atOnce) {
        yield weights.read(name, start, Math.min(atOnce, rows - start));
      }
    };
  }

  floats(name: string, shape: readonly number[], values: ArrayLike<number>): string {
    return this.#initializer(name, shape, 'float32', bytesOf(Float32Array.from(values)));
  }

  integers(name: string, values: readonly number[]): string {
    return this.#initializer(name, [values.length], 'int64', bytesOf(BigInt64Array.from(values, BigInt)));
  }

  /** A large array, written a piece after the other. */
  weights(name: string, shape: readonly number[], pieces: Pieces): string {
    const length = 4 * shape.reduce((a, b) => a * b, 1);
    return this.#initializer(name, shape, 'float32', { length, pieces: () => asBytes(pieces) });
  }

  /** The same in 16 bits, where that is wanted and possible; a node makes it 32 bits again. */
  roundedWeights(name: string, shape: readonly number[], pieces: Pieces): string {
    if (this.#precision === 'float32' || !fitsFloat16(pieces)) return this.weights(name, shape, pieces);
    const half = `${name}${FLOAT16_SUFFIX}`;
    if (this.#arrays.has(half)) return name;
    const count = shape.reduce((a, b) => a * b, 1);
    const halves: Pieces16 = function* halves() {
      for (const piece of pieces()) yield toFloat16(piece);
    };
    this.#initializer(half, shape, 'float16', { length: 2 * count, pieces: () => asBytes(halves) });
    return this.node('Cast', [half], name, { to: FLOAT32 });
  }

  #initializer(name: string, shape: readonly number[], type: DataType, data: Promised): string {
    if (!this.#arrays.has(name)) this.#arrays.set(name, { name, shape, type, data });
    return name;
  }
}

type Pieces16 = () => Iterable<Uint16Array>;

function* asBytes(pieces: () => Iterable<NodeJS.ArrayBufferView>): Iterable<Uint8Array> {
  for (const { buffer, byteOffset, byteLength } of pieces())
    yield new Uint8Array(buffer, byteOffset, byteLength);
}

const bytesOf = (array: NodeJS.ArrayBufferView): Promised => ({
  length: array.byteLength,
  pieces: () => asBytes(() => [array]),
});

/** Whether the largest number neither overflows nor loses precision; smaller ones matter less. */
function fitsFloat16(pieces: Pieces): boolean {
  let largest = 0;
  for (const piece of pieces()) {
    for (const number of piece) {
      const size = Math.abs(number);
      if (size > largest) largest = size;
    }
  }
  return largest <= LARGEST_FLOAT16 && (largest >= SMALLEST_NORMAL_FLOAT16 || largest === 0);
}
