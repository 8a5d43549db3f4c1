import { CorruptDataError, InvalidInputError } from '../errors.ts';
import { asCorrupt, bindingToMetadata, metadataToBinding, text } from './arrow-binding.ts';
import { decodeTable } from './arrow-read.ts';
import type { EmbeddingTable } from './arrow-write.ts';
import { type Binding, requireSameBinding } from './gallery.ts';
import { classOf } from './names.ts';
import { checkSegmentId, createSegment, type Segment, type SegmentEntry } from './segments.ts';

const SEGMENT_COLUMNS = ['op', 'key', 'class', 'sha256'] as const;
const COMPACTED_COLUMNS = ['segment', ...SEGMENT_COLUMNS] as const;
/** In a compacted segment, the row of a change without entries; such a change still says that it was carried over. */
const NOTHING = 'nothing';
/** The op of an addition that takes the picture out of all other classes. */
const ALONE = 'place';

/**
 * The segment as an Arrow IPC file: `op` utf8 before a gallery's columns. Of the ops, only "add" and "place" (into this class and out of all others)
 * have an embedding; "remove" and "seen" have none, "remove" no sha256 either, and neither has a "seen" of a picture that is not there.
 */
export async function writeSegment(segment: Segment): Promise<Uint8Array> {
  return write(segment, segment.entries, new Map());
}

/**
 * Reads a segment.
 * @param id its ULID, which is the file's name and not inside it
 * @throws CorruptDataError when the bytes are not a whole and valid segment; InvalidInputError when the id is no ULID
 */
export function readSegment(bytes: Uint8Array, id: string): Segment {
  checkSegmentId(id);
  const what = `Segment ${id}`;
  const table = decodeTable(bytes, SEGMENT_COLUMNS, 'null-embeddings', what);
  const binding = asCorrupt(what, () => metadataToBinding(table));
  const entries = asCorrupt(what, () => text(table, 'op').map((_, row) => entryAt(table, row)));
  return asCorrupt(what, () => createSegment(binding, entries, id));
}

/**
 * Several segments in one Arrow IPC file: their columns, and `segment` with the id of the one that each row belongs to.
 * @throws InvalidInputError when there is none, or they belong to different embedders
 */
export async function writeCompacted(segments: readonly Segment[]): Promise<Uint8Array> {
  const [first] = segments;
  if (first === undefined) throw new InvalidInputError('There is no segment to compact.');
  for (const segment of segments) requireSameBinding(first, segment, `Segment ${segment.id}`);
  const rows = segments.flatMap(({ id, entries }): [string, SegmentEntry | null][] =>
    entries.length === 0 ? [[id, null]] : entries.map((entry) => [id, entry]),
  );
  const ids = rows.map(([id]) => id);
  return write(
    first,
    rows.map(([, entry]) => entry),
    new Map([['segment', ids]]),
  );
}

/** Reads what {@link writeCompacted} wrote. @param what the file's name, for messages @throws CorruptDataError */
export function readCompacted(bytes: Uint8Array, what: string): Segment[] {
  const table = decodeTable(bytes, COMPACTED_COLUMNS, 'null-embeddings', what);
  const binding = asCorrupt(what, () => metadataToBinding(table));
  const rows = new Map<string, number[]>();
  for (const [row, id] of text(table, 'segment').entries()) {
    const known = rows.get(id);
    if (known === undefined) rows.set(id, [row]);
    else known.push(row);
  }
  if (rows.size === 0) throw new CorruptDataError(`${what} is damaged. There is no segment in it.`);
  return asCorrupt(what, () =>
    [...rows].map(([id, own]) => {
      const ops = own.filter((row) => text(table, 'op')[row] !== NOTHING);
      return createSegment(
        binding,
        ops.map((row) => entryAt(table, row)),
        id,
      );
    }),
  );
}

/** @param before more columns, before the others; null entries are {@link NOTHING} */
async function write(
  binding: Binding,
  entries: readonly (SegmentEntry | null)[],
  before: ReadonlyMap<string, readonly string[]>,
): Promise<Uint8Array> {
  const { encodeTable } = await import('./arrow-write.ts');
  const { dimensions } = binding;
  const embeddings = new Float32Array(entries.length * dimensions);
  for (const [i, entry] of entries.entries()) {
    if (entry?.op === 'add') embeddings.set(entry.embedding, i * dimensions);
  }
  return encodeTable({
    dimensions,
    texts: new Map([
      ...before,
      ['op', entries.map(opOf)],
      ['key', entries.map((entry) => entry?.key ?? '')],
      ['class', entries.map(classOfEntry)],
      ['sha256', entries.map((entry) => (entry !== null && 'sha256' in entry ? (entry.sha256 ?? '') : ''))],
    ]),
    embeddings,
    present: entries.map((entry) => entry?.op === 'add'),
    metadata: bindingToMetadata(binding),
  });
}

function opOf(entry: SegmentEntry | null): string {
  if (entry === null) return NOTHING;
  return entry.op === 'add' && entry.alone ? ALONE : entry.op;
}

function classOfEntry(entry: SegmentEntry | null): string {
  if (entry === null || entry.op === 'seen') return '';
  return entry.op === 'add' ? entry.class : classOf(entry.key);
}

function entryAt(table: EmbeddingTable, row: number): SegmentEntry {
  const [op, key] = [text(table, 'op')[row], text(table, 'key')[row] ?? ''];
  const sha256 = text(table, 'sha256')[row] ?? '';
  if (op === 'remove') return { op, key };
  if (op === 'seen') return { op, key, sha256: sha256 === '' ? null : sha256 };
  if (op !== 'add' && op !== ALONE) {
    throw new InvalidInputError(
      `Row ${row} has op ${JSON.stringify(op)}; allowed are "add", "place", "remove" and "seen".`,
    );
  }
  if (table.present?.[row] === false)
    throw new InvalidInputError(`Row ${row} adds a picture without embedding.`);
  const embedding = table.embeddings.slice(row * table.dimensions, (row + 1) * table.dimensions);
  const addition = { op: 'add' as const, key, class: text(table, 'class')[row] ?? '', sha256, embedding };
  return op === ALONE ? { ...addition, alone: true } : addition;
}
