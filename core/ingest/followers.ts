/** Which models follow a dataset: those whose version in production was trained on it. */
import { wasDeletedSince } from '../registry/dataset-deletion.ts';
import { MODELS } from '../registry/layout.ts';
import { DEFAULT_ALIAS, isName } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import { unlessDamaged } from '../registry/unless-damaged.ts';
import type { OnDamaged } from '../registry/unless-damaged.ts';

export interface VersionName {
  readonly model: string;
  readonly version: number;
}

/** A version in production. */
export interface Follower extends VersionName {
  /** The dataset of the registry that it was trained on, or null. */
  readonly dataset: string | null;
}

/** Versions do not change, so that each manifest is read once in a process. */
const known = new WeakMap<Registry, Map<string, string | null>>();

/** The dataset of the registry that a version was trained on, or null. @throws NotFoundError when there is no such version */
export async function datasetOf(registry: Registry, { model, version }: VersionName): Promise<string | null> {
  const remembered = known.get(registry) ?? new Map<string, string | null>();
  known.set(registry, remembered);
  const key = `${model}@${version}`;
  const found = remembered.get(key);
  if (found !== undefined) return found;
  const { follows } = await registry.manifest(model, version);
  remembered.set(key, follows);
  return follows;
}

/**
 * The version that each model has in production.
 * @param onDamaged is told of damaged models, which are passed over then
 * @throws CorruptDataError without `onDamaged`
 */
export async function inProduction(registry: Registry, onDamaged?: OnDamaged): Promise<Follower[]> {
  const followers: Follower[] = [];
  for await (const model of registry.store.folders(MODELS)) {
    if (!isName(model, 'model')) continue;
    const follower = await unlessDamaged(async () => {
      const alias = await registry.alias(model, DEFAULT_ALIAS);
      if (alias === null) return null;
      const { version } = alias;
      return { model, version, dataset: await datasetOf(registry, { model, version }) };
    }, onDamaged);
    if (follower !== null) followers.push(follower);
  }
  return followers;
}

/**
 * The versions in production that follow the dataset. Those that were trained on a dataset of this name which was deleted since follow no
 * other of that name.
 * @throws as {@link inProduction}
 */
export async function followersOf(
  registry: Registry,
  dataset: string,
  onDamaged?: OnDamaged,
): Promise<Follower[]> {
  const followers: Follower[] = [];
  for (const follower of await inProduction(registry, onDamaged)) {
    if (follower.dataset !== dataset) continue;
    if (!(await wasDeletedSince(registry.store, dataset, follower))) followers.push(follower);
  }
  return followers;
}
