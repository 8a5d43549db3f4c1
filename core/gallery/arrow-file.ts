import { FlatTable } from './arrow-flatbuffer.ts';

/**
 * The container of an Arrow IPC file, read without trust: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format.
 * Slots and codes below are those of Arrow's Schema.fbs, Message.fbs and File.fbs. Errors here are plain; the caller names the file.
 */

/** A column as the schema declares it. */
export interface ArrowField {
  readonly name: string;
  /** `utf8`, `binary`, `fixed-size-list<float32>`, or for any other a name that nothing accepts. */
  readonly type: string;
  /** Length of the lists of a fixed-size list, else 0. */
  readonly listSize: number;
}

/** Rows of every column: per array (a list's numbers are an array of their own, after it) its length, then its buffers, all in schema order. */
export interface ArrowBatch {
  readonly rows: number;
  readonly nodes: readonly { readonly length: number; readonly nulls: number }[];
  readonly buffers: readonly Uint8Array[];
}

export interface ArrowFile {
  readonly fields: readonly ArrowField[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly batches: readonly ArrowBatch[];
}

// Far above what galleries need; parts of a hostile file may overlap, so without a limit a small one could keep a reader busy for long.
const MAX_PARTS = 64;
const MAX_BATCHES = 65_536;
const MAGIC = 'ARROW1';
const RECORD_BATCH = 3;
const [FLOATING_POINT, BINARY, UTF8, FIXED_SIZE_LIST] = [3, 4, 5, 16];
const SINGLE_PRECISION = 1;
const CONTINUATION = 0xffffffff;

/**
 * Takes an Arrow IPC file apart; the buffers are views into `bytes`.
 * @throws Error or RangeError on anything that is not a whole, uncompressed, little-endian file without dictionaries
 */
export function parseArrowFile(bytes: Uint8Array): ArrowFile {
  const footer = FlatTable.root(footerOf(bytes));
  const schema = footer.table(1);
  if (schema === null) throw new Error('it has no schema');
  if (schema.int16(0) !== 0) throw new Error('its numbers are big-endian');
  if (footer.structs(2, MAX_BATCHES, 24, []).length > 0) throw new Error('it holds dictionaries');
  const blocks = footer.structs(3, MAX_BATCHES, 24, [0, 16]);
  return {
    fields: schema.tables(1, MAX_PARTS).map(fieldOf),
    metadata: new Map(schema.tables(2, MAX_PARTS).map((entry) => [entry.text(0), entry.text(1)])),
    batches: blocks.map(([offset = 0, bodyLength = 0]) => parseBatch(bytes, offset, bodyLength)),
  };
}

function footerOf(bytes: Uint8Array): Uint8Array {
  const trailer = MAGIC.length + 4;
  if (ascii(slice(bytes, 0, MAGIC.length)) !== MAGIC || ascii(bytes.subarray(-MAGIC.length)) !== MAGIC) {
    throw new Error(`it does not begin and end with "${MAGIC}" (${bytes.length} bytes)`);
  }
  const length = viewOf(slice(bytes, bytes.length - trailer, 4)).getUint32(0, true);
  return slice(bytes, bytes.length - trailer - length, length);
}

function fieldOf(field: FlatTable): ArrowField {
  const [name, code, type] = [field.text(0), field.uint8(2), field.table(3)];
  if (field.has(4)) return { name, type: 'dictionary', listSize: 0 };
  if (code === UTF8) return { name, type: 'utf8', listSize: 0 };
  if (code === BINARY) return { name, type: 'binary', listSize: 0 };
  if (code !== FIXED_SIZE_LIST) return { name, type: `Arrow type ${code}`, listSize: 0 };
  const [item, ...others] = field.tables(5, MAX_PARTS);
  const isFloat =
    item !== undefined &&
    others.length === 0 &&
    item.uint8(2) === FLOATING_POINT &&
    item.table(3)?.int16(0) === SINGLE_PRECISION;
  const listSize = type?.int32(0) ?? 0;
  return { name, type: `fixed-size-list<${isFloat ? 'float32' : 'another type'}>`, listSize };
}

function parseBatch(bytes: Uint8Array, offset: number, bodyLength: number): ArrowBatch {
  const prefix = viewOf(slice(bytes, offset, 8));
  // Before Arrow 0.15 the length came first, without the continuation mark.
  const marked = prefix.getUint32(0, true) === CONTINUATION;
  const start = offset + (marked ? 8 : 4);
  const length = prefix.getUint32(marked ? 4 : 0, true);
  const message = FlatTable.root(slice(bytes, start, length));
  const header = message.table(2);
  if (message.uint8(1) !== RECORD_BATCH || header === null)
    throw new Error(`byte ${offset} begins no record batch`);
  if (header.has(3)) throw new Error('it is compressed; write it without compression');
  const body = slice(bytes, start + length, bodyLength);
  return {
    rows: header.size(0),
    nodes: header.structs(1, MAX_PARTS, 16, [0, 8]).map(([rows = 0, nulls = 0]) => ({ length: rows, nulls })),
    buffers: header.structs(2, MAX_PARTS, 16, [0, 8]).map(([at = 0, size = 0]) => slice(body, at, size)),
  };
}

/** A view of exactly these bytes. */
function slice(bytes: Uint8Array, from: number, length: number): Uint8Array {
  if (from < 0 || from + length > bytes.length) throw new RangeError('it is cut short');
  return bytes.subarray(from, from + length);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
