/**
 * Weight files in the safetensors format: 8 bytes little-endian header length, a JSON header
 * {name: {dtype, shape, data_offsets}}, then the numbers. Others read them too; nothing in them can run.
 * https://huggingface.co/docs/safetensors
 */
import { closeSync, fstatSync, fsyncSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { CorruptDataError, InvalidInputError } from '../errors.ts';
import { writeAll } from './write-all.ts';

const MAX_HEADER_BYTES = 16 * 2 ** 20;
const ALIGNMENT = 64;

const entrySchema = z.object({
  dtype: z.literal('F32'),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
type Entry = z.infer<typeof entrySchema>;

/** Arrays by name, read from the file when asked for. Close it after use. */
export class SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #dataStart: number;
  readonly #descriptor: number;
  readonly #path: string;

  /** @throws CorruptDataError when the file is not such a file, or is cut short. */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openSync(path, 'r');
    try {
      const { size } = fstatSync(this.#descriptor);
      const length = Number(this.#bytes(0, Math.min(8, size)).length === 8 ? this.#header64() : 0n);
      if (length < 2 || length > MAX_HEADER_BYTES || 8 + length > size)
        throw this.#corrupt('its header length is wrong');
      this.#dataStart = 8 + length;
      const header = this.#parse(this.#bytes(8, length));
      this.metadata = header.metadata;
      this.#entries = header.entries;
      for (const [name, entry] of this.#entries) this.#checkEntry(name, entry);
      this.#checkPlaces(size);
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  names(): string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  shape(name: string): readonly number[] {
    return this.#entry(name).shape;
  }

  /** The array, or `count` of its rows (along the first axis) from `start` on, row-major. */
  read(name: string, start = 0, count?: number): Float32Array {
    const entry = this.#entry(name);
    const rows = entry.shape[0] ?? 1;
    const wanted = count ?? rows - start;
    const bytesOfRow = rows === 0 ? 0 : (entry.data_offsets[1] - entry.data_offsets[0]) / rows;
    const from = this.#dataStart + entry.data_offsets[0] + start * bytesOfRow;
    const bytes = this.#bytes(from, wanted * bytesOfRow);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined)
      throw new CorruptDataError(`${this.#path} has no array '${name}'. Make the file again.`);
    return entry;
  }

  #header64(): bigint {
    return this.#bytes(0, 8).readBigUInt64LE();
  }

  #bytes(position: number, length: number): Buffer {
    const bytes = Buffer.from(new ArrayBuffer(length));
    let done = 0;
    while (done < length) {
      const got = readSync(this.#descriptor, bytes, done, length - done, position + done);
      if (got === 0) throw this.#corrupt('it is cut short');
      done += got;
    }
    return bytes;
  }

  #parse(bytes: Buffer): { metadata: Record<string, string>; entries: Map<string, Entry> } {
    try {
      const { __metadata__: metadata = {}, ...rest } = JSON.parse(bytes.toString('utf8')) as Record<
        string,
        unknown
      >;
      const entries = Object.entries(rest).map(([name, entry]) => [name, entrySchema.parse(entry)] as const);
      return { metadata: z.record(z.string(), z.string()).parse(metadata), entries: new Map(entries) };
    } catch (cause) {
      throw this.#corrupt('its header cannot be read', cause);
    }
  }

  #checkEntry(name: string, entry: Entry): void {
    const [start, end] = entry.data_offsets;
    const expected = entry.shape.reduce((a, b) => a * b, 4);
    if (end - start !== expected)
      throw this.#corrupt(`'${name}' has ${end - start} bytes for shape [${entry.shape.join()}]`);
  }

  /** The arrays lie one after the other up to the file's end, as the format demands: none over another, no hole. */
  #checkPlaces(size: number): void {
    let reached = 0;
    const places = [...this.#entries].map(([name, { data_offsets }]) => [...data_offsets, name] as const);
    for (const [start, end, name] of places.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
      if (start !== reached) throw this.#corrupt(`'${name}' does not begin where the array before it ends`);
      reached = end;
    }
    const expected = this.#dataStart + reached;
    if (expected > size) throw this.#corrupt('it is cut short');
    if (expected < size) throw this.#corrupt(`${size - expected} bytes at its end belong to no array`);
  }

  #corrupt(why: string, cause?: unknown): CorruptDataError {
    return new CorruptDataError(
      `${this.#path} is not a whole safetensors file: ${why}. Make the file again.`,
      { cause },
    );
  }
}

/** An array to be written, in pieces along its first axis, so that it need not be in memory at once. */
export interface ArraySource {
  readonly name: string;
  readonly shape: readonly number[];
  pieces(): Iterable<Float32Array> | AsyncIterable<Float32Array>;
}

/** Writes a new file and flushes it to the disk. @throws InvalidInputError when a source gives another length than its shape. */
export async function writeSafetensors(
  path: string,
  sources: readonly ArraySource[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const descriptor = openSync(path, 'wx');
  try {
    writeAll(descriptor, headerOf(sources, metadata));
    for (const source of sources) {
      let left = source.shape.reduce((a, b) => a * b, 4);
      for await (const piece of source.pieces()) {
        left -= piece.byteLength;
        writeAll(descriptor, piece);
      }
      if (left !== 0)
        throw new InvalidInputError(
          `'${source.name}' is ${left} bytes away from its shape [${source.shape.join()}]`,
        );
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function headerOf(sources: readonly ArraySource[], metadata: Readonly<Record<string, string>>): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const { name, shape } of sources) {
    const end = offset + shape.reduce((a, b) => a * b, 4);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Math.ceil((8 + json.length) / ALIGNMENT) * ALIGNMENT - 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded));
  json.copy(bytes, 8);
  return bytes;
}
