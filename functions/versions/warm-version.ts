/** A version that is loaded and answers, with its gallery as it was at the last look. */
import pLimit from 'p-limit';
import type { Embedder } from '../../core/embedding/embedder.ts';
import type { Calibration } from '../../core/gallery/calibration.ts';
import type { GalleryLog } from '../../core/gallery/carry-over.ts';
import { readCalibration } from '../../core/registry/evaluation.ts';
import { followGalleryLog, readGalleryLog } from '../../core/registry/gallery-log.ts';
import type { LoadOptions } from '../../core/registry/load-embedder.ts';
import type { openEmbedder } from '../../core/registry/open-version.ts';
import type { Registry } from '../../core/registry/registry.ts';
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

export class WarmVersion {
  readonly name: VersionName;
  readonly embedder: Embedder;
  readonly batcher: Batcher;
  readonly #registry: Registry;
  readonly #onTrouble: (error: unknown) => void;
  readonly #inTurn = pLimit(1);
  #log: GalleryLog;
  #knowledge: Knowledge;

  private constructor(
    registry: Registry,
    name: VersionName,
    parts: { embedder: Embedder; log: GalleryLog; calibration: Calibration | null },
    { atMost, onRun, onTrouble }: WarmVersionOptions,
  ) {
    this.#registry = registry;
    this.#onTrouble = onTrouble;
    this.name = name;
    this.embedder = parts.embedder;
    this.batcher = new Batcher(parts.embedder, atMost, onRun);
    this.#log = parts.log;
    this.#knowledge = knowledgeOf(parts.log, parts.calibration, onTrouble);
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
      const [log, calibration] = await Promise.all([
        readGalleryLog(registry, name),
        readCalibration(registry, name),
      ]);
      return new WarmVersion(registry, name, { embedder: await opening, log, calibration }, options);
    } catch (error) {
      (await opening.catch(() => null))?.dispose();
      throw error;
    }
  }

  /** The gallery as it was published, and the changes of it that are known. */
  get log(): GalleryLog {
    return this.#log;
  }

  get knowledge(): Knowledge {
    return this.#knowledge;
  }

  /**
   * Takes up what was added to the gallery or taken out since. One look after another: of two at once the slower one may have seen less, and whoever
   * has just added something must not have it taken away again.
   * @throws NotFoundError when the version is gone
   */
  follow(): Promise<void> {
    return this.#inTurn(() => this.#follow());
  }

  async #follow(): Promise<void> {
    const log = await followGalleryLog(this.#registry, this.name, this.#log);
    if (log !== this.#log) {
      this.#log = log;
      const before = this.#knowledge;
      this.#knowledge = knowledgeOf(log, before.calibration, this.#onTrouble);
      before.close();
    }
  }

  /** Gives all memory back, once what is under way has ended. */
  dispose(): void {
    this.embedder.dispose();
    this.#knowledge.close();
  }
}
