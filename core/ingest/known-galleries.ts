/** Galleries of versions by names, kept in memory: bringing one up to date takes one listing of the model's log. */
import pLimit from 'p-limit';
import type { Change, Fact } from '../gallery/facts.ts';
import type { GalleryContents } from '../gallery/contents.ts';
import { compareText } from '../gallery/gallery.ts';
import type { Binding } from '../gallery/gallery.ts';
import type { Registry } from '../registry/registry.ts';
import { readVersionGallery } from '../registry/version-gallery.ts';
import type { VersionName } from './followers.ts';

/** A version's gallery as it was when the log was listed. */
export interface KnownGallery {
  /** Of the version's network. */
  readonly binding: Binding;
  /** Goes on with the log: what it says may be newer than `log`. */
  readonly contents: GalleryContents;
  /** The changes that had been recorded. */
  readonly log: readonly Change[];
}

interface Slot {
  /** One after another: of two listings at once the slower one may be the older one. */
  readonly inTurn: ReturnType<typeof pLimit>;
  known: Pick<KnownGallery, 'binding' | 'contents'> | null;
}

export class KnownGalleries {
  readonly #registry: Registry;
  readonly #most: number;
  readonly #slots = new Map<string, Slot>();

  /** @param most versions in memory */
  constructor(registry: Registry, most = 16) {
    this.#registry = registry;
    this.#most = most;
  }

  /** The gallery with everything that is recorded. @throws NotFoundError; CorruptDataError */
  async now(version: VersionName): Promise<KnownGallery> {
    const slot = this.#slot(version);
    return slot.inTurn(async () => {
      const { known } = slot;
      if (known === null) {
        const { made, contents } = await readVersionGallery(this.#registry, version);
        const { dimensions, distance, embedder } = made;
        slot.known = { binding: { dimensions, distance, embedder }, contents };
      } else {
        const changes = await this.#registry.changes(version.model, known.contents.changes);
        if (changes !== known.contents.changes) {
          slot.known = { ...known, contents: known.contents.follow(changes) };
        }
      }
      const gallery = slot.known as NonNullable<Slot['known']>;
      return { ...gallery, log: gallery.contents.changes };
    });
  }

  /** Records facts. @param log that they were decided by @throws InvalidInputError; StorageError */
  async append(
    version: VersionName,
    log: readonly Change[],
    facts: readonly Fact[],
    by: string,
  ): Promise<void> {
    const written = (await this.#registry.append(version.model, log, facts, by)).at(-1) as Change;
    const slot = this.#slot(version);
    // So that nobody has to read it.
    await slot.inTurn(async () => {
      const { known } = slot;
      if (known === null || known.contents.changes.some(({ id }) => id === written.id)) return;
      const changes = [...known.contents.changes, written].sort((a, b) => compareText(a.id, b.id));
      slot.known = { ...known, contents: known.contents.follow(changes) };
    });
  }

  /** The log as far as it is known, without asking the store. */
  log({ model, version }: VersionName): readonly Change[] {
    return this.#slots.get(`${model}@${version}`)?.known?.contents.changes ?? [];
  }

  #slot({ model, version }: VersionName): Slot {
    const name = `${model}@${version}`;
    const slot = this.#slots.get(name) ?? { inTurn: pLimit(1), known: null };
    this.#slots.delete(name);
    this.#slots.set(name, slot);
    const [oldest] = this.#slots.keys();
    if (this.#slots.size > this.#most && oldest !== undefined) this.#slots.delete(oldest);
    return slot;
  }
}
