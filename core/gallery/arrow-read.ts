import { CorruptDataError } from '../errors.ts';
import { type ArrowBatch, type ArrowField, type ArrowFile, parseArrowFile } from './arrow-file.ts';
import type { EmbeddingTable } from './arrow-write.ts';

/**
 * Reads what `encodeTable` wrote, or any Arrow IPC file of the same schema (uncompressed, any number of record batches).
 * The bytes are not trusted: lengths, offsets and encodings are checked before use, and what comes back shares no memory with them.
 *
 * @param names the text columns that must be there, and nothing but them, the `binaries` and `embedding`
 * @param nulls whether every row has an embedding, some may have none, or there is no such column
 * @param what the file's name or kind, for messages
 * @param binaries the columns of bytes that must be there
 * @throws CorruptDataError
 */
export function decodeTable(
  bytes: Uint8Array,
  names: readonly string[],
  nulls: 'no-nulls' | 'null-embeddings' | 'no-embeddings',
  what: string,
  binaries: readonly string[] = [],
): EmbeddingTable {
  try {
    const embeddings = nulls !== 'no-embeddings';
    const table = readTable(parseArrowFile(bytes), { names, binaries, embeddings }, bytes.length);
    const missing = table.present?.indexOf(false) ?? -1;
    if (missing >= 0 && nulls === 'no-nulls') throw new Error(`row ${missing} has no embedding`);
    return table;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CorruptDataError(
      `${what} is damaged or not an Arrow IPC file with the columns ${columnsOf({ names, binaries, embeddings: nulls !== 'no-embeddings' }).join(', ')}: ${reason}.`,
      { cause },
    );
  }
}

/** The columns that are wanted beside `embedding`: of text, and of bytes. */
interface Wanted {
  readonly names: readonly string[];
  readonly binaries: readonly string[];
  readonly embeddings: boolean;
}

const columnsOf = ({ names, binaries, embeddings }: Wanted): string[] => [
  ...names,
  ...binaries,
  ...(embeddings ? ['embedding'] : []),
];

function readTable(file: ArrowFile, wanted: Wanted, fileSize: number): EmbeddingTable {
  const dimensions = checkSchema(file.fields, wanted);
  const rows = file.batches.reduce((sum, batch) => sum + batch.rows, 0);
  // Every row lies in the file, so a footer that lists one batch many times is found out before memory is taken for it.
  if (rows * Math.max(dimensions, 1) * 4 > fileSize)
    throw new Error(`${rows} rows of ${dimensions} numbers do not fit in it`);
  const texts = new Map(wanted.names.map((name): [string, string[]] => [name, []]));
  const binaries = new Map(wanted.binaries.map((name): [string, Uint8Array[]] => [name, []]));
  const embeddings = new Float32Array(rows * dimensions);
  const present: boolean[] = [];
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let valueBytes = 0;
  for (const batch of file.batches) {
    const arrays = new ArrayCursor(batch);
    for (const field of file.fields) {
      if (field.name === 'embedding') {
        appendEmbeddings(arrays, batch.rows, dimensions, embeddings, present);
        continue;
      }
      const [text, bytes] = [texts.get(field.name), binaries.get(field.name)];
      valueBytes += eachValue(arrays, batch.rows, field.name, (value) => {
        text?.push(decoder.decode(value));
        bytes?.push(value.slice());
      });
      // As with the rows: values that batches share would take far more memory than the file.
      if (valueBytes > fileSize)
        throw new Error(`its texts and bytes of over ${fileSize} bytes do not fit in it`);
    }
  }
  return { dimensions, texts, binaries, embeddings, present, metadata: file.metadata };
}

function checkSchema(fields: readonly ArrowField[], wanted: Wanted): number {
  const { binaries } = wanted;
  const got = fields.map((field) => field.name);
  if (got.toSorted().join() !== columnsOf(wanted).sort().join()) {
    throw new Error(`its columns are ${got.join(', ') || 'none'}`);
  }
  for (const { name, type } of fields) {
    const bytes = binaries.includes(name) ? 'binary' : 'utf8';
    const expected = name === 'embedding' ? 'fixed-size-list<float32>' : bytes;
    if (type !== expected) throw new Error(`column ${name} is ${type}, not ${expected}`);
  }
  if (!wanted.embeddings) return 0;
  const dimensions = fields.find((field) => field.name === 'embedding')?.listSize ?? 0;
  if (dimensions < 1) throw new Error(`embeddings have ${dimensions} dimensions`);
  return dimensions;
}

/** Hands out a record batch's arrays and buffers in their order. */
class ArrayCursor {
  readonly #batch: ArrowBatch;
  #node = 0;
  #buffer = 0;

  constructor(batch: ArrowBatch) {
    this.#batch = batch;
  }

  /** The next array's validity: for each row whether it has a value. */
  validity(rows: number, name: string): (row: number) => boolean {
    const node = this.#batch.nodes[this.#node++];
    const bitmap = this.buffer();
    if (node?.length !== rows)
      throw new Error(`column ${name} has ${node?.length ?? 'no'} rows instead of ${rows}`);
    if (node.nulls === 0) return () => true;
    if (bitmap.length * 8 < rows) throw new Error(`column ${name} does not say which rows are null`);
    return (row) => (((bitmap[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
  }

  buffer(): Uint8Array {
    const buffer = this.#batch.buffers[this.#buffer++];
    if (buffer === undefined) throw new Error('a record batch lacks a buffer');
    return buffer;
  }
}

/** Visits the next array's values, as views into the file. @returns how many bytes they have */
function eachValue(
  arrays: ArrayCursor,
  rows: number,
  name: string,
  visit: (value: Uint8Array) => void,
): number {
  const valid = arrays.validity(rows, name);
  const [offsetBytes, values] = [arrays.buffer(), arrays.buffer()];
  const offsets = new DataView(offsetBytes.buffer, offsetBytes.byteOffset, offsetBytes.byteLength);
  let bytes = 0;
  for (let row = 0; row < rows; row++) {
    const [from, to] = [offsets.getInt32(row * 4, true), offsets.getInt32(row * 4 + 4, true)];
    if (!valid(row)) throw new Error(`row ${row} of column ${name} is null`);
    if (from < 0 || to < from || to > values.length)
      throw new Error(`row ${row} of column ${name} lies outside`);
    visit(values.subarray(from, to));
    bytes += to - from;
  }
  return bytes;
}

/** Puts a batch's embeddings after those of the batches before it; a missing one stays zeros. */
function appendEmbeddings(
  arrays: ArrayCursor,
  rows: number,
  dimensions: number,
  into: Float32Array,
  present: boolean[],
): void {
  const hasEmbedding = arrays.validity(rows, 'embedding');
  const hasNumber = arrays.validity(rows * dimensions, 'embedding');
  const numbers = arrays.buffer();
  const width = dimensions * 4;
  if (numbers.length < rows * width) throw new Error('column embedding is cut short');
  const bytes = new Uint8Array(into.buffer);
  for (let row = 0; row < rows; row++) {
    const at = present.length;
    present.push(hasEmbedding(row));
    if (!hasEmbedding(row)) continue;
    for (let i = row * dimensions; i < (row + 1) * dimensions; i++) {
      if (!hasNumber(i)) throw new Error(`the embedding of row ${at} holds a null`);
    }
    bytes.set(numbers.subarray(row * width, (row + 1) * width), at * width);
  }
}
