/** A version that is loaded and answers, with its gallery as it was at the last look. */
import pLimit from 'p-limit';
import type { Embedder } from '../../core/embedding/embedder.ts';
import type { EmbeddedPictures } from '../../core/embedding/embed-pictures.ts';
import { CancelledError, NotFoundError } from '../../core/errors.ts';
import type { Calibration } from '../../core/gallery/calibration.ts';
import type { Change } from '../../core/gallery/facts.ts';
import type { Gallery } from '../../core/gallery/gallery.ts';
import { galleryState } from '../../core/gallery/state.ts';
import type { Picture } from '../../core/images/dataset.ts';
import { decodePictures } from '../../core/images/decode-pictures.ts';
import { listed } from '../../core/promotion/complete.ts';
import { readCalibration } from '../../core/registry/evaluation.ts';
import type { LoadOptions } from '../../core/registry/load-embedder.ts';
import type { openEmbedder } from '../../core/registry/open-version.ts';
import type { Registry } from '../../core/registry/registry.ts';
import {
  embedGallery,
  followVersionGallery,
  readVersionGallery,
  withChanges,
} from '../../core/registry/version-gallery.ts';
import type { MissingImage, VersionGallery } from '../../core/registry/version-gallery.ts';
import { Batcher } from './batcher.ts';
import type { Run } from './batcher.ts';
import { knowledgeOf } from './knowledge.ts';
import type { Knowledge } from './knowledge.ts';

export interface VersionName {
  readonly model: string;
  readonly version: number;
}

interface WarmVersionOptions extends LoadOptions {
  /** Pictures that the engine gets at once. */
  readonly atMost: number;
  readonly onRun: (run: Run) => void;
  readonly onTrouble: (error: unknown) => void;
  readonly open: typeof openEmbedder;
}

/** What a version was opened with. */
interface Parts {
  readonly embedder: Embedder;
  readonly versionGallery: VersionGallery;
  /** The images that have an embedding. */
  readonly gallery: Gallery;
  readonly missing: readonly MissingImage[];
  readonly calibration: Calibration | null;
}

export class WarmVersion {
  readonly name: VersionName;
  readonly embedder: Embedder;
  readonly batcher: Batcher;
  readonly #registry: Registry;
  readonly #onTrouble: (error: unknown) => void;
  readonly #inTurn = pLimit(1);
  #versionGallery: VersionGallery;
  #knowledge: Knowledge;
  /** The log that `#knowledge` was made with; others may have had the contents follow further since. */
  #shown: readonly Change[];
  #missing: readonly MissingImage[];
  /** Images that were found to be impossible to embed, by SHA-256: each is reported once. */
  readonly #impossible = new Set<string>();
  #embedding: Promise<void> | null = null;
  #isClosed = false;

  private constructor(
    registry: Registry,
    name: VersionName,
    { embedder, versionGallery, gallery, missing, calibration }: Parts,
    { atMost, onRun, onTrouble }: WarmVersionOptions,
  ) {
    this.#registry = registry;
    this.#onTrouble = onTrouble;
    this.name = name;
    this.embedder = embedder;
    this.batcher = new Batcher(embedder, atMost, onRun);
    this.#versionGallery = versionGallery;
    this.#shown = versionGallery.contents.changes;
    this.#missing = missing;
    this.#knowledge = knowledgeOf(gallery, galleryState(gallery, this.#shown), calibration, onTrouble);
    this.#embedMissing();
  }

  /** @throws NotFoundError; CorruptDataError; SkewError */
  static async open(
    registry: Registry,
    name: VersionName,
    options: WarmVersionOptions,
  ): Promise<WarmVersion> {
    // The engine loads in a thread of its own, and the gallery meanwhile.
    const opening = options.open(registry, name, options);
    try {
      const [versionGallery, calibration] = await Promise.all([
        readVersionGallery(registry, name),
        readCalibration(registry, name),
      ]);
      const embedded = await embedGallery(registry, name.model, versionGallery, null);
      const parts = { embedder: await opening, versionGallery, calibration, ...embedded };
      return new WarmVersion(registry, name, parts, options);
    } catch (error) {
      (await opening.catch(() => null))?.dispose();
      throw error;
    }
  }

  /** The gallery by names, as far as its log has been read. */
  get gallery(): VersionGallery {
    return this.#versionGallery;
  }

  get knowledge(): Knowledge {
    return this.#knowledge;
  }

  /**
   * Applies what was recorded in the gallery's log since. One look after another: of two at the same time the slower one may have read less,
   * and must not undo the other. Images without embedding are embedded in the background.
   * @param known changes that this process knows of already; by default the log is read
   * @throws NotFoundError when the version is gone
   */
  async follow(known?: readonly Change[]): Promise<void> {
    await this.#inTurn(async () => {
      this.#versionGallery =
        known === undefined
          ? await followVersionGallery(this.#registry, this.name.model, this.#versionGallery)
          : withChanges(this.#versionGallery, known);
      if (this.#versionGallery.contents.changes !== this.#shown) await this.#show(this.#knowledge.gallery);
    });
    this.#embedMissing();
  }

  /** Answers from the gallery as it is known, with embeddings from `known` or the registry. */
  async #show(known: Gallery): Promise<void> {
    const { contents } = this.#versionGallery;
    const { changes } = contents;
    const { gallery, missing } = await embedGallery(
      this.#registry,
      this.name.model,
      this.#versionGallery,
      null,
      known,
    );
    const before = this.#knowledge;
    this.#knowledge = knowledgeOf(
      gallery,
      galleryState(gallery, changes),
      before.calibration,
      this.#onTrouble,
    );
    this.#shown = changes;
    this.#missing = missing;
    before.close();
  }

  /** Embeds what has no embedding yet, beside the requests. */
  #embedMissing(): void {
    if (this.#embedding !== null || this.#isClosed) return;
    if (this.#missing.every(({ image }) => this.#impossible.has(image.sha256))) return;
    this.#embedding = this.#embedNow()
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#onTrouble(error);
      })
      .finally(() => {
        this.#embedding = null;
      });
  }

  async #embedNow(): Promise<void> {
    const { gallery, missing } = await embedGallery(
      this.#registry,
      this.name.model,
      this.#versionGallery,
      (images) => this.#embed(images),
      this.#knowledge.gallery,
    );
    await this.#inTurn(() => this.#show(gallery));
    const fresh = missing.filter(({ image }) => !this.#impossible.has(image.sha256));
    if (fresh.length === 0) return;
    for (const { image } of fresh) this.#impossible.add(image.sha256);
    const { model, version } = this.name;
    this.#onTrouble(new NotFoundError(`${model}@${version} answers without ${listed(fresh)}.`));
  }

  /** One image at a time, so that those of requests go between them. */
  async #embed(images: readonly Picture[]): Promise<EmbeddedPictures> {
    const { dimensions, preprocessing } = this.embedder;
    const pictures: Picture[] = [];
    const rejected: { picture: Picture; reason: string }[] = [];
    const embeddings = new Float32Array(images.length * dimensions);
    for await (const { picture, pixels, error } of decodePictures(images, preprocessing)) {
      if (this.#isClosed) throw new CancelledError('The version is not in use any more.');
      if (error !== undefined) {
        rejected.push({ picture, reason: error.message });
        continue;
      }
      embeddings.set(await this.batcher.embed(pixels), pictures.length * dimensions);
      pictures.push(picture);
    }
    return { pictures, embeddings: embeddings.slice(0, pictures.length * dimensions), rejected };
  }

  /** Frees all memory, once the requests have ended. */
  dispose(): void {
    this.#isClosed = true;
    this.embedder.dispose();
    this.#knowledge.close();
  }
}
