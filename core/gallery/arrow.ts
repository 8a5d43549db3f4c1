import { CorruptDataError, InvalidInputError } from '../errors.ts';
import { decodeTable } from './arrow-read.ts';
import { encodeTable, type EmbeddingTable } from './arrow-write.ts';
import { type Binding, checkEmbeddings, createGallery, GALLERY_DISTANCES, type Gallery } from './gallery.ts';
import { classOf } from './names.ts';
import { checkSegmentId, createSegment, type Segment, type SegmentEntry } from './segments.ts';

const GALLERY_COLUMNS = ['key', 'class', 'sha256'] as const;
const SEGMENT_COLUMNS = ['op', ...GALLERY_COLUMNS] as const;

/**
 * The gallery as an Arrow IPC file: key, class, sha256 utf8; embedding FixedSizeList<float32>[dimensions]; no nulls. The schema's
 * metadata holds kindred.distance, and kindred.model and kindred.version when the embedder is known.
 */
export function writeGallery(gallery: Gallery): Uint8Array {
  return encodeTable({
    dimensions: gallery.dimensions,
    texts: new Map([
      ['key', gallery.keys],
      ['class', gallery.classes],
      ['sha256', gallery.sha256],
    ]),
    embeddings: gallery.embeddings,
    present: null,
    metadata: bindingToMetadata(gallery),
  });
}

/**
 * Reads an Arrow IPC file as {@link writeGallery} or any other Arrow library writes it.
 * @param what the file's name, for messages
 * @throws CorruptDataError when the bytes are not a whole and valid gallery
 */
export function readGallery(bytes: Uint8Array, what = 'The gallery'): Gallery {
  const table = decodeTable(bytes, GALLERY_COLUMNS, 'no-nulls', what);
  return asCorrupt(what, () =>
    createGallery({
      ...metadataToBinding(table),
      keys: text(table, 'key'),
      classes: text(table, 'class'),
      sha256: text(table, 'sha256'),
      embeddings: table.embeddings,
    }),
  );
}

/** The segment as an Arrow IPC file: `op` utf8 ("add" or "remove") before a gallery's columns; a removal has no embedding and no sha256. */
export function writeSegment(segment: Segment): Uint8Array {
  const { entries, dimensions } = segment;
  const embeddings = new Float32Array(entries.length * dimensions);
  for (const [i, entry] of entries.entries()) {
    if (entry.op === 'add') embeddings.set(entry.embedding, i * dimensions);
  }
  return encodeTable({
    dimensions,
    texts: new Map([
      ['op', entries.map((entry) => entry.op)],
      ['key', entries.map((entry) => entry.key)],
      ['class', entries.map((entry) => (entry.op === 'add' ? entry.class : classOf(entry.key)))],
      ['sha256', entries.map((entry) => (entry.op === 'add' ? entry.sha256 : ''))],
    ]),
    embeddings,
    present: entries.map((entry) => entry.op === 'add'),
    metadata: bindingToMetadata(segment),
  });
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
 * Embeddings of pictures outside any gallery as an Arrow IPC file: image utf8, embedding FixedSizeList<float32>.
 * @throws InvalidInputError when the numbers do not fit or are not finite
 */
export function writeEmbeddings(
  images: readonly string[],
  embeddings: Float32Array,
  dimensions: number,
): Uint8Array {
  checkEmbeddings(embeddings, images.length, dimensions);
  const texts = new Map([['image', images]]);
  return encodeTable({ dimensions, texts, embeddings, present: null, metadata: new Map() });
}

function entryAt(table: EmbeddingTable, row: number): SegmentEntry {
  const [op, key] = [text(table, 'op')[row], text(table, 'key')[row] ?? ''];
  if (op === 'remove') return { op, key };
  if (op !== 'add')
    throw new InvalidInputError(`Row ${row} has op ${JSON.stringify(op)}; allowed are "add" and "remove".`);
  if (table.present?.[row] === false)
    throw new InvalidInputError(`Row ${row} adds a picture without embedding.`);
  const embedding = table.embeddings.slice(row * table.dimensions, (row + 1) * table.dimensions);
  return {
    op,
    key,
    class: text(table, 'class')[row] ?? '',
    sha256: text(table, 'sha256')[row] ?? '',
    embedding,
  };
}

function text(table: EmbeddingTable, name: string): readonly string[] {
  return table.texts.get(name) ?? [];
}

function bindingToMetadata({ distance, embedder }: Binding): Map<string, string> {
  const metadata = new Map([['kindred.distance', distance as string]]);
  if (embedder !== null) {
    metadata.set('kindred.model', embedder.model).set('kindred.version', embedder.version);
  }
  return metadata;
}

/** Files of other writers may lack the metadata: then squared Euclidean distances and an unknown embedder. */
function metadataToBinding({ dimensions, metadata }: EmbeddingTable): Binding {
  const named = metadata.get('kindred.distance') ?? 'squared-euclidean';
  const distance = GALLERY_DISTANCES.find((one) => one === named);
  if (distance === undefined) {
    throw new InvalidInputError(
      `Its distance is ${JSON.stringify(named)}; known are ${GALLERY_DISTANCES.join(' and ')}.`,
    );
  }
  const [model, version] = [metadata.get('kindred.model'), metadata.get('kindred.version')];
  if ((model === undefined) !== (version === undefined)) {
    throw new InvalidInputError('It names only one of kindred.model and kindred.version.');
  }
  const embedder = model === undefined || version === undefined ? null : { model, version };
  return { dimensions, distance, embedder };
}

function asCorrupt<T>(what: string, build: () => T): T {
  try {
    return build();
  } catch (cause) {
    if (!(cause instanceof InvalidInputError)) throw cause;
    throw new CorruptDataError(`${what} is damaged. ${cause.message}`, { cause });
  }
}
