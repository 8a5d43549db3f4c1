import { NotFoundError } from '../../core/errors.ts';
import type { Registry } from '../../core/registry/registry.ts';

/** So that a warm request asks no store for it, and another model, or none, is noticed soon. */
const FOUND_MS = 5000;

/** The model of a registry that has just one. */
export class OnlyModel {
  readonly #registry: Pick<Registry, 'models'>;
  readonly #now: () => number;
  #found: { readonly name: string; readonly at: number } | null = null;

  /** @param now milliseconds */
  constructor(registry: Pick<Registry, 'models'>, now: () => number = Date.now) {
    this.#registry = registry;
    this.#now = now;
  }

  /** Its name, as it was some seconds ago at most. @throws NotFoundError when there is none, or more than one */
  async name(): Promise<string> {
    const at = this.#now();
    if (this.#found !== null && at - this.#found.at < FOUND_MS) return this.#found.name;
    this.#found = null;
    const [only, ...others] = await this.#registry.models();
    if (only === undefined) throw new NotFoundError('There is no model yet: train one first.');
    if (others.length > 0) {
      throw new NotFoundError(
        `There are ${others.length + 1} models; ask one of them at /v1/models/{model}. GET /v1/models lists them.`,
      );
    }
    this.#found = { name: only, at };
    return only;
  }
}
