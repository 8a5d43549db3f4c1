import { InvalidInputError } from '../../core/errors.ts';
import { DEFAULT_ALIAS, checkName } from '../../core/registry/names.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { OnlyModel } from './only-model.ts';
import type { Asked } from './warm-versions.ts';

/** Which version a request is about. */
export class Targets {
  readonly #usual: string | null;
  readonly #only: OnlyModel;

  /** @param usual the model of requests that name none; null: the only one there is */
  constructor(registry: Pick<Registry, 'models'>, usual: string | null) {
    this.#usual = usual;
    this.#only = new OnlyModel(registry);
  }

  /** @throws InvalidInputError; NotFoundError when no model is named and there is not exactly one */
  async of(
    named: string | undefined,
    { version, alias }: { readonly version?: number | undefined; readonly alias?: string | undefined },
  ): Promise<Asked> {
    if (version !== undefined && alias !== undefined) {
      throw new InvalidInputError('The query has a version and an alias; name one of them.');
    }
    const model = named ?? this.#usual ?? (await this.#only.name());
    checkName(model, 'model');
    if (version !== undefined) return { model, version };
    checkName(alias ?? DEFAULT_ALIAS, 'alias');
    return { model, alias: alias ?? DEFAULT_ALIAS };
  }
}
