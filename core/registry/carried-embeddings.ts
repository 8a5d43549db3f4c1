import { monotonicFactory } from 'ulid';
import type { EmbeddedPictures } from '../embedding/embed-pictures.ts';
import { CorruptDataError } from '../errors.ts';
import { readSegment, writeSegment } from '../gallery/arrow.ts';
import type { GalleryLog } from '../gallery/carry-over.ts';
import { embeddingAt, requireSameBinding } from '../gallery/gallery.ts';
import { createSegment } from '../gallery/segments.ts';
import type { Addition, SegmentEntry } from '../gallery/segments.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isUlid } from '../ulid.ts';
import { carryPrefix } from './layout.ts';

const SUFFIX = '.arrow';
const nextId = monotonicFactory();

/**
 * Embeddings that a version has made of pictures which are being carried over to it, kept beside it until all are, so that an attempt that
 * was killed need not be begun anew. Only time is lost with them.
 */
export class CarriedEmbeddings {
  readonly #store: ObjectStore;
  readonly #prefix: string;

  constructor(store: ObjectStore, model: string, version: number) {
    this.#store = store;
    this.#prefix = carryPrefix(model, version);
  }

  /** Every embedding that the version has of a picture, by the picture's checksum: of its gallery, and of attempts before. */
  async read({ made, segments }: GalleryLog): Promise<Map<string, Float32Array>> {
    const known = new Map(made.sha256.map((sum, row) => [sum, embeddingAt(made, row)]));
    const note = (entries: readonly SegmentEntry[]): void => {
      for (const entry of entries) if (entry.op === 'add') known.set(entry.sha256, entry.embedding);
    };
    for (const { entries } of segments) note(entries);
    for (const id of await this.#ids()) {
      const found = await this.#store.get(this.#keyOf(id));
      if (found === null) continue;
      try {
        const kept = readSegment(found.bytes, id);
        requireSameBinding(made, kept, `What was kept under ${this.#prefix}`);
        note(kept.entries);
      } catch (error) {
        if (!(error instanceof CorruptDataError)) throw error;
        await this.#store.delete(this.#keyOf(id)); // it is computed again
      }
    }
    return known;
  }

  /** Keeps the embeddings of some pictures, and notes them in `known`. */
  async keep({ made }: GalleryLog, block: EmbeddedPictures, known: Map<string, Float32Array>): Promise<void> {
    if (block.pictures.length === 0) return;
    const entries = block.pictures.map(({ key, className, sha256 }, row): Addition => {
      const embedding = block.embeddings.slice(row * made.dimensions, (row + 1) * made.dimensions);
      known.set(sha256, embedding);
      return { op: 'add', key, class: className, sha256, embedding };
    });
    const id = nextId();
    await this.#store.put(this.#keyOf(id), await writeSegment(createSegment(made, entries, id)));
  }

  async clear(): Promise<void> {
    for (const id of await this.#ids()) await this.#store.delete(this.#keyOf(id));
  }

  #keyOf(id: string): string {
    return `${this.#prefix}${id}${SUFFIX}`;
  }

  async #ids(): Promise<string[]> {
    const ids: string[] = [];
    for await (const { key, problem } of this.#store.list(this.#prefix)) {
      const id = key.slice(this.#prefix.length, -SUFFIX.length);
      if (key.endsWith(SUFFIX) && isUlid(id) && !problem) ids.push(id);
    }
    return ids;
  }
}
