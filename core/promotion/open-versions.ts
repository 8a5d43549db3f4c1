import type { Embedder } from '../embedding/embedder.ts';
import { openGallery, openVersion } from '../registry/open-version.ts';
import type { OpenedVersion } from '../registry/open-version.ts';
import type { Registry } from '../registry/registry.ts';

/** Versions of a model, whose networks are loaded once, when they are first asked for. Dispose of it after use. */
export class OpenVersions {
  readonly #registry: Registry;
  readonly #model: string;
  readonly #loaded = new Map<number, Promise<OpenedVersion>>();

  constructor(registry: Registry, model: string) {
    this.#registry = registry;
    this.#model = model;
  }

  /** @throws as `openVersion` does */
  async embedder(version: number): Promise<Embedder> {
    return (await this.#load(version)).embedder;
  }

  /** With its gallery as it is now. @throws as `openVersion` does */
  async version(version: number): Promise<OpenedVersion> {
    const loaded = await this.#load(version);
    return { ...loaded, ...(await openGallery(this.#registry, loaded)) };
  }

  dispose(): void {
    for (const loading of this.#loaded.values()) {
      loading.then(({ embedder }) => embedder.dispose()).catch(() => undefined);
    }
    this.#loaded.clear();
  }

  #load(version: number): Promise<OpenedVersion> {
    const known = this.#loaded.get(version);
    if (known !== undefined) return known;
    const loading = openVersion(this.#registry, { model: this.#model, version, alias: null });
    this.#loaded.set(version, loading);
    return loading;
  }
}
