import type { Embedder } from '../../core/embedding/embedder.ts';
import { EngineFailedError } from '../../core/errors.ts';
import type { VersionName } from '../../core/ingest/followers.ts';
import { openEmbedder } from '../../core/registry/open-version.ts';
import type { Registry } from '../../core/registry/registry.ts';

/** Networks of versions, loaded when they are first used. One piece of work after another: ingesting needs no galleries in memory. */
export class Embedders {
  readonly #registry: Registry;
  readonly #most: number;
  readonly #loaded = new Map<string, Embedder>();

  /** @param most networks in memory */
  constructor(registry: Registry, most: number) {
    this.#registry = registry;
    this.#most = Math.max(1, most);
  }

  /** @throws as `openEmbedder`; EngineFailedError: the network is loaded anew the next time */
  async use<T>(version: VersionName, work: (embedder: Embedder) => Promise<T>): Promise<T> {
    const name = `${version.model}@${version.version}`;
    const embedder = await this.#open(name, version);
    try {
      return await work(embedder);
    } catch (error) {
      if (error instanceof EngineFailedError) this.#dispose(name);
      throw error;
    }
  }

  async #open(name: string, version: VersionName): Promise<Embedder> {
    const known = this.#loaded.get(name);
    this.#loaded.delete(name);
    if (known === undefined) {
      while (this.#loaded.size >= this.#most) this.#dispose([...this.#loaded.keys()][0] as string);
    }
    const embedder = known ?? (await openEmbedder(this.#registry, version));
    this.#loaded.set(name, embedder);
    return embedder;
  }

  #dispose(name: string): void {
    this.#loaded.get(name)?.dispose();
    this.#loaded.delete(name);
  }
}
