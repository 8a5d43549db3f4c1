import {
  Binary,
  type Data,
  Field,
  FixedSizeList,
  Float32,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
} from 'apache-arrow';

/** Text columns and one column of embeddings, all of one length. */
export interface EmbeddingTable {
  /** Numbers of an embedding; 0: the table has no column of embeddings. */
  readonly dimensions: number;
  /** The text columns in their order, by name. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** Columns of bytes, after those of text. */
  readonly binaries?: ReadonlyMap<string, readonly Uint8Array[]>;
  /** Rows x dimensions, row-major. */
  readonly embeddings: Float32Array;
  /** Which rows have an embedding; null when all have. */
  readonly present: readonly boolean[] | null;
  /** The schema's own notes. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Rows of a record batch: the library counts the bytes of one in 31 bits. */
const BATCH_ROWS = 65_536;

/** The table as an Arrow IPC file: texts as utf8, bytes as binary, then `embedding` as FixedSizeList<float32>. */
export function encodeTable(table: EmbeddingTable): Uint8Array {
  const rows = rowsOf(table);
  const binaries = table.binaries ?? new Map<string, readonly Uint8Array[]>();
  const fields: Field[] = [...table.texts.keys()].map((name) => new Field(name, new Utf8(), false));
  fields.push(...[...binaries.keys()].map((name) => new Field(name, new Binary(), false)));
  if (table.dimensions > 0) {
    const list = new FixedSizeList(table.dimensions, new Field('item', new Float32(), false));
    fields.push(new Field('embedding', list, table.present !== null));
  }
  const schema = new Schema(fields, new Map(table.metadata));

  const batches: RecordBatch[] = [];
  for (let from = 0; from === 0 || from < rows; from += BATCH_ROWS) {
    batches.push(batchOf(table, schema, from, Math.min(from + BATCH_ROWS, rows)));
  }
  const writer = new FileWriter();
  writer.write(new Table(schema, batches));
  return writer.finish().toUint8Array(true);
}

function rowsOf({ dimensions, embeddings, texts }: EmbeddingTable): number {
  if (dimensions > 0) return embeddings.length / dimensions;
  const [column] = texts.values();
  return column?.length ?? 0;
}

/** The rows from `from` to before `to`. */
function batchOf(table: EmbeddingTable, schema: Schema, from: number, to: number): RecordBatch {
  const { dimensions, texts, binaries = new Map<string, readonly Uint8Array[]>() } = table;
  const rows = to - from;
  const children: Data[] = [
    ...[...texts.values()].map((column) =>
      bytesData(
        new Utf8(),
        column.slice(from, to).map((text) => Buffer.from(text, 'utf8')),
      ),
    ),
    ...[...binaries.values()].map((pieces) => bytesData(new Binary(), pieces.slice(from, to))),
  ];
  if (dimensions > 0) children.push(embeddingData(table, schema, from, to));
  const struct = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children });
  return new RecordBatch(schema, struct);
}

function embeddingData(table: EmbeddingTable, schema: Schema, from: number, to: number): Data {
  const { dimensions } = table;
  const numbers = table.embeddings.subarray(from * dimensions, to * dimensions);
  const values = makeData({ type: new Float32(), length: numbers.length, data: numbers });
  const validity = table.present === null ? {} : validityOf(table.present.slice(from, to));
  const list = schema.fields.at(-1)?.type as FixedSizeList;
  return makeData({ type: list, length: to - from, child: values, ...validity });
}

/**
 * The library's own file writer leaves out the schema message before the record batches, which the format asks for and readers that
 * take the file as a stream need.
 */
class FileWriter extends RecordBatchFileWriter {
  protected override _writeSchema(schema: Schema): this {
    const endOfStream = 8;
    // oxlint-disable-next-line no-underscore-dangle -- the library's names for what a subclass may change
    return super._writeSchema(schema)._write(tableToIPC(new Table(schema), 'stream').slice(0, -endOfStream));
  }
}

function bytesData(type: Utf8 | Binary, pieces: readonly Uint8Array[]): Data {
  const data = new Uint8Array(Buffer.concat(pieces));
  const valueOffsets = new Int32Array(pieces.length + 1);
  for (const [i, piece] of pieces.entries()) {
    valueOffsets[i + 1] = (valueOffsets[i] ?? 0) + piece.length;
  }
  const layout = { length: pieces.length, nullCount: 0, valueOffsets, data };
  return type instanceof Utf8 ? makeData({ ...layout, type }) : makeData({ ...layout, type });
}

/** Arrow's validity bitmap: bit i of the bytes, least significant first, is 1 where row i has a value. */
function validityOf(present: readonly boolean[]): { nullBitmap: Uint8Array; nullCount: number } {
  const nullBitmap = new Uint8Array(Math.ceil(present.length / 8));
  let nullCount = 0;
  for (const [i, valid] of present.entries()) {
    if (valid) nullBitmap[i >> 3] = (nullBitmap[i >> 3] ?? 0) | (1 << (i & 7));
    else nullCount++;
  }
  return { nullBitmap, nullCount };
}
