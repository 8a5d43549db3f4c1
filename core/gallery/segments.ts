import { decodeTime, monotonicFactory, ulid } from 'ulid';
import { InvalidInputError } from '../errors.ts';
import { isUlid } from '../ulid.ts';
import { applyEntries, type FoundBySum } from './apply.ts';
import {
  type Binding,
  checkEmbeddings,
  checkPicture,
  compareText,
  createGallery,
  embeddingAt,
  type Gallery,
  requireSameBinding,
} from './gallery.ts';
import { checkKey, classOf } from './names.ts';

/**
 * A picture that a segment puts into the gallery. Where another picture (another SHA-256) has its key, both stay and this one
 * gets a key of its own: see names.ts. To replace a picture, remove its key in an entry before.
 */
export interface Addition {
  readonly op: 'add';
  readonly key: string;
  readonly class: string;
  readonly sha256: string;
  readonly embedding: Float32Array;
  /**
   * Somebody has said that it is of this class and no other: it takes the picture out of every other class. Of two who say different things at once,
   * the later one is right, in the order of the segments, whatever either of them knew of the other. Data sets that have it otherwise are not heard
   * any more, until the gallery has it no more.
   */
  readonly alone?: true;
}

/** A key that a segment takes out of the gallery, if it is there. */
export interface Removal {
  readonly op: 'remove';
  readonly key: string;
}

/**
 * What a data set had under one of its keys when the segment was written: a picture, or none (null). It changes no picture; it tells
 * which state of the data set the gallery has taken up, see mirror.ts.
 */
export interface Seen {
  readonly op: 'seen';
  /** `datasets/<dataset>/<class>/<file>` */
  readonly key: string;
  readonly sha256: string | null;
}

export type SegmentEntry = Addition | Removal | Seen;

/** An addition, with its embedding or without: what a change can be worked out from. */
export type Named = Omit<Addition, 'embedding'>;
export type NamedEntry = Named | Removal | Seen;

/** A change of a gallery, immutable once written: its entries apply in order, segments in the order of their ULIDs. */
export interface Segment extends Binding {
  /** ULID; the segment is stored as `gallery/<id>.arrow` beside its gallery. */
  readonly id: string;
  readonly entries: readonly SegmentEntry[];
}

const nextId = monotonicFactory();

/**
 * An id behind those of all these segments, also where the clock of another machine is ahead of this one's: what is decided by what they
 * say has to apply after them.
 */
export function idAfter(segments: readonly Pick<Segment, 'id'>[]): string {
  const latest = Math.max(0, ...segments.slice(-1).map(({ id }) => decodeTime(id)));
  return latest < Date.now() ? nextId() : ulid(latest + 1);
}

/**
 * Checks the entries and puts a segment together, bound to the same embedder as the gallery it is meant for.
 * @param id a ULID; by default the next one of this process
 * @throws InvalidInputError
 */
export function createSegment(
  binding: Binding,
  entries: readonly SegmentEntry[],
  id: string = nextId(),
): Segment {
  checkSegmentId(id);
  for (const entry of entries) checkEntry(entry, binding.dimensions);
  const { dimensions, distance, embedder } = binding;
  return Object.freeze({ id, dimensions, distance, embedder, entries: Object.freeze([...entries]) });
}

/**
 * The gallery after all segments, whatever order they are given in: they apply in the order of their ULIDs. An added picture takes
 * no other's place: of two that were added under one key, the later one has its SHA-256 in the key. Removing an unknown key
 * changes nothing.
 * Rows are sorted by class and then by key, so that one content has one form.
 * @throws InvalidInputError when a segment belongs to another embedder, or two segments have one id
 */
export function applySegments(gallery: Gallery, segments: readonly Segment[]): Gallery {
  const ordered = [...segments].sort((a, b) => compareText(a.id, b.id));
  const additions = new PicturesBySum<Addition>(sumsAlone(ordered));
  for (let row = 0; row < gallery.keys.length; row++) {
    const addition = additionOf(gallery, row);
    additions.set(addition.key, addition);
  }
  let previous = '';
  for (const segment of ordered) {
    requireSameBinding(gallery, segment, `Segment ${segment.id}`);
    if (segment.id === previous)
      throw new InvalidInputError(`Segment ${segment.id} is given twice; ids are unique.`);
    previous = segment.id;
    applyEntries(additions, segment.entries);
  }
  return galleryOf(gallery, [...additions.values()]);
}

/** Pictures by key, of which only some can be found by their checksum: an index of all of them would cost more than it is worth. */
class PicturesBySum<P extends Named> extends Map<string, P> implements FoundBySum<P> {
  readonly said = new Set<string>();
  readonly #keys: ReadonlyMap<string, Set<string>>;

  constructor(sums: ReadonlySet<string>) {
    super();
    this.#keys = new Map([...sums].map((sum) => [sum, new Set()]));
  }

  override set(key: string, picture: P): this {
    if (this.#keys.size > 0) this.delete(key);
    this.#keys.get(picture.sha256)?.add(key);
    return super.set(key, picture);
  }

  override delete(key: string): boolean {
    const picture = this.get(key);
    if (picture !== undefined) this.#keys.get(picture.sha256)?.delete(key);
    return super.delete(key);
  }

  ofSum(sha256: string): Named[] {
    return [...(this.#keys.get(sha256) ?? [])].flatMap((key) => this.get(key) ?? []);
  }
}

/** The checksums of pictures that are of one class and no other. */
function sumsAlone(segments: readonly Segment[]): Set<string> {
  const sums = new Set<string>();
  for (const { entries } of segments) {
    for (const entry of entries) if (entry.op === 'add' && entry.alone) sums.add(entry.sha256);
  }
  return sums;
}

/** A gallery of the given pictures, sorted by class and key; the embeddings are copied. */
export function galleryOf(binding: Binding, pictures: readonly Addition[]): Gallery {
  const sorted = [...pictures].sort((a, b) => compareText(a.class, b.class) || compareText(a.key, b.key));
  const embeddings = new Float32Array(sorted.length * binding.dimensions);
  for (const [row, picture] of sorted.entries()) {
    embeddings.set(picture.embedding, row * binding.dimensions);
  }
  return createGallery({
    dimensions: binding.dimensions,
    distance: binding.distance,
    embedder: binding.embedder,
    keys: sorted.map((picture) => picture.key),
    classes: sorted.map((picture) => picture.class),
    sha256: sorted.map((picture) => picture.sha256),
    embeddings,
  });
}

/** A row of a gallery as the addition that would make it; the embedding is a view, not a copy. */
export function additionOf(gallery: Gallery, row: number): Addition {
  const [key, className, sha256] = [gallery.keys[row], gallery.classes[row], gallery.sha256[row]];
  if (key === undefined || className === undefined || sha256 === undefined) {
    throw new InvalidInputError(`The gallery has ${gallery.keys.length} rows; there is no row ${row}.`);
  }
  return { op: 'add', key, class: className, sha256, embedding: embeddingAt(gallery, row) };
}

/**
 * Checks that a text is a ULID.
 * @throws InvalidInputError
 */
export function checkSegmentId(id: string): void {
  if (isUlid(id)) return;
  throw new InvalidInputError(
    `${JSON.stringify(id)} is not a ULID (26 characters of Crockford's base 32), as segments are named.`,
  );
}

function checkEntry(entry: SegmentEntry, dimensions: number): void {
  if (entry.op === 'remove') return checkKey(entry.key, classOf(entry.key));
  if (entry.op === 'seen') return checkSeen(entry);
  checkPicture(entry.key, entry.class, entry.sha256);
  checkEmbeddings(entry.embedding, 1, dimensions);
}

const SEEN_KEY = /^datasets\/[^/]+\/([^/]+\/[^/]+)$/;

function checkSeen({ key, sha256 }: Seen): void {
  const [, path] = SEEN_KEY.exec(key) ?? [];
  if (path === undefined) {
    throw new InvalidInputError(
      `${JSON.stringify(key)} is no key of a data set's picture: datasets/<dataset>/<class>/<file>.`,
    );
  }
  checkPicture(path, classOf(path), sha256 ?? EMPTY_SHA256);
}

/** Of no bytes at all; stands in where only the names are to be checked. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
