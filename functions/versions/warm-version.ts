/** A version that is loaded and answers, with its gallery as it was at the last look. */
import type { Embedder } from '../../core/embedding/embedder.ts';
import type { Calibration } from '../../core/gallery/calibration.ts';
import type { GalleryLog } from '../../core/gallery/carry-over.ts';
import { createDecider } from '../../core/gallery/decision.ts';
import type { Decision, DecisionOptions } from '../../core/gallery/decision.ts';
import { compareText } from '../../core/gallery/gallery.ts';
import type { Gallery } from '../../core/gallery/gallery.ts';
import { createSearch } from '../../core/gallery/search.ts';
import type { Search } from '../../core/gallery/search.ts';
import { applySegments } from '../../core/gallery/segments.ts';
import { readCalibration } from '../../core/registry/evaluation.ts';
import { followGalleryLog, readGalleryLog } from '../../core/registry/gallery-log.ts';
import { openEmbedder } from '../../core/registry/open-version.ts';
import type { OpenOptions } from '../../core/registry/open-version.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { Batcher } from './batcher.ts';
import type { Run } from './batcher.ts';

export interface VersionName {
  readonly model: string;
  readonly version: number;
}

/** What a version knows at one moment; a change of the gallery makes another one. */
export interface Knowledge {
  readonly gallery: Gallery;
  readonly calibration: Calibration | null;
  readonly decide: (options: DecisionOptions) => (embedding: Float32Array) => Decision;
}

/** Prepared deciders, by their options. */
const REMEMBERED = 16;

export class WarmVersion {
  readonly name: VersionName;
  readonly embedder: Embedder;
  readonly batcher: Batcher;
  readonly #registry: Registry;
  #log: GalleryLog;
  #knowledge: Knowledge;

  private constructor(
    registry: Registry,
    name: VersionName,
    parts: { embedder: Embedder; batcher: Batcher; log: GalleryLog; calibration: Calibration | null },
  ) {
    this.#registry = registry;
    this.name = name;
    this.embedder = parts.embedder;
    this.batcher = parts.batcher;
    this.#log = parts.log;
    this.#knowledge = knowledgeOf(parts.log, parts.calibration);
  }

  /** @throws NotFoundError; CorruptDataError; SkewError */
  static async open(
    registry: Registry,
    name: VersionName,
    options: OpenOptions & { readonly atMost: number; readonly onRun: (run: Run) => void },
  ): Promise<WarmVersion> {
    const log = await readGalleryLog(registry, name);
    const calibration = await readCalibration(registry, name);
    const embedder = await openEmbedder(registry, name, options);
    const batcher = new Batcher(embedder, options.atMost, options.onRun);
    return new WarmVersion(registry, name, { embedder, batcher, log, calibration });
  }

  get knowledge(): Knowledge {
    return this.#knowledge;
  }

  /** Takes up what was added to the gallery or taken out since. @throws NotFoundError when the version is gone */
  async follow(): Promise<void> {
    const log = await followGalleryLog(this.#registry, this.name, this.#log);
    if (log !== this.#log) {
      this.#log = log;
      this.#knowledge = knowledgeOf(log, this.#knowledge.calibration);
    }
  }
}

function knowledgeOf({ made, segments }: GalleryLog, calibration: Calibration | null): Knowledge {
  const gallery = applySegments(made, segments);
  const search = createSearch(gallery);
  return { gallery, calibration, decide: rememberedDeciders(search, calibration) };
}

function rememberedDeciders(search: Search, calibration: Calibration | null): Knowledge['decide'] {
  const known = new Map<string, (embedding: Float32Array) => Decision>();
  return (options) => {
    const asked = JSON.stringify(Object.entries(options).toSorted(([a], [b]) => compareText(a, b)));
    const decide = known.get(asked) ?? createDecider(search, { ...options, calibration });
    known.delete(asked);
    known.set(asked, decide);
    const [oldest] = known.keys();
    if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
    return decide;
  };
}
