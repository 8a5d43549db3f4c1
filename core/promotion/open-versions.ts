import type { Embedder } from '../embedding/embedder.ts';
import { openEmbedder, openVersionWith } from '../registry/open-version.ts';
import type { OpenedVersion } from '../registry/open-version.ts';
import type { Registry } from '../registry/registry.ts';

/** Versions of a model, whose networks are loaded once, when they are first needed. Dispose of it after use. */
export class OpenVersions {
  readonly #registry: Registry;
  readonly #model: string;
  readonly #loaded = new Map<number, Promise<Embedder>>();

  constructor(registry: Registry, model: string) {
    this.#registry = registry;
    this.#model = model;
  }

  /** @throws as `openEmbedder` does */
  embedder(version: number): Promise<Embedder> {
    const known = this.#loaded.get(version);
    if (known !== undefined) return known;
    const loading = openEmbedder(this.#registry, { model: this.#model, version });
    this.#loaded.set(version, loading);
    return loading;
  }

  /** With its gallery as it is now. @throws as `openVersion` does */
  async version(version: number): Promise<OpenedVersion> {
    const embedder = await this.embedder(version);
    return openVersionWith(this.#registry, { model: this.#model, version, alias: null }, embedder);
  }

  dispose(): void {
    for (const loading of this.#loaded.values()) {
      loading.then((embedder) => embedder.dispose()).catch(() => undefined);
    }
    this.#loaded.clear();
  }
}
