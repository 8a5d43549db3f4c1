/** Going back to the version that answered before. It is a way out of trouble, so nothing but another move of the alias holds it up. */
import { KindredError } from '../errors.ts';
import { NOTHING_CARRIED, addCarried, carryOver } from '../registry/carry-over.ts';
import type { CarriedOver, CarryOptions } from '../registry/carry-over.ts';
import type { Alias } from '../registry/aliases.ts';
import type { Author } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import type { Talk } from './compare.ts';
import { OpenVersions } from './open-versions.ts';
import { carryOptions } from './promote.ts';

export interface RollbackRequest extends Author {
  readonly model: string;
  readonly alias: string;
  /** Move only if the alias is at this version now. */
  readonly expected?: number | undefined;
  /** Carry back what was changed in the gallery of the version that is left, as far as its pictures are there. */
  readonly carry: boolean;
}

export interface Rollback {
  readonly alias: Alias;
  readonly from: number;
  readonly carried: CarriedOver;
  /** Why nothing was carried back although it was to be, or null. */
  readonly problem: string | null;
}

/**
 * Moves the alias back. What was changed since the promotion is carried back first; what cannot be is told and left behind.
 * @throws NotFoundError; ConflictError when there is nothing to go back to, or somebody moves the alias at the same time; CancelledError
 */
export async function rollback(
  registry: Registry,
  { model, alias, by, why, expected, carry }: RollbackRequest,
  talk: Talk,
): Promise<Rollback> {
  const seen = await registry.alias(model, alias);
  const target = seen && (await registry.rollbackTarget(seen));
  const move = async (): Promise<Alias> =>
    registry.rollback(model, alias, { by, why, expected: expected ?? seen?.version ?? null });
  if (seen === null || target === null || !carry || (expected ?? seen.version) !== seen.version) {
    return { alias: await move(), from: seen?.version ?? 0, carried: NOTHING_CARRIED, problem: null };
  }
  const opened = new OpenVersions(registry, model);
  const carryTo = async (to: number, missing: CarryOptions['missing']): Promise<CarriedBack> =>
    carriedBack(registry, model, { from: seen.version, to }, carryOptions(opened, to, missing, talk));
  try {
    const first = await carryTo(target, 'drop');
    const moved = await move();
    const last = await carryTo(moved.version, 'refuse');
    return {
      alias: moved,
      from: seen.version,
      carried: addCarried(first.carried, last.carried),
      problem: first.problem ?? last.problem,
    };
  } finally {
    opened.dispose();
  }
}

type CarriedBack = Pick<Rollback, 'carried' | 'problem'>;

async function carriedBack(
  registry: Registry,
  model: string,
  way: { readonly from: number; readonly to: number },
  options: CarryOptions,
): Promise<CarriedBack> {
  try {
    return { carried: await carryOver(registry, model, way, options), problem: null };
  } catch (error) {
    if (!(error instanceof KindredError) || error.code === 'cancelled') throw error;
    return { carried: NOTHING_CARRIED, problem: error.message };
  }
}
