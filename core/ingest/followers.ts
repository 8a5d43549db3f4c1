/** Which models follow a data set: those whose version in production was trained on it. */
import { NotFoundError } from '../errors.ts';
import { wasDeletedSince } from '../registry/dataset-deletion.ts';
import { MODELS } from '../registry/layout.ts';
import { DEFAULT_ALIAS, isName } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import { readTraining } from '../jobs/job.ts';
import { unlessDamaged } from '../registry/unless-damaged.ts';
import type { OnDamaged } from '../registry/unless-damaged.ts';

export interface VersionName {
  readonly model: string;
  readonly version: number;
}

/** Versions do not change, so that each is asked once for a process. */
const known = new WeakMap<Registry, Map<string, string | null>>();

/**
 * The data set of the registry that a version was trained on, or null where it was none of this registry's: a folder of the same name is
 * another thing.
 * @throws NotFoundError when there is no such version
 */
export async function dataSetOf(registry: Registry, { model, version }: VersionName): Promise<string | null> {
  const remembered = known.get(registry) ?? new Map<string, string | null>();
  known.set(registry, remembered);
  const key = `${model}@${version}`;
  const found = remembered.get(key);
  if (found !== undefined) return found;
  const { dataSet, job } = await registry.manifest(model, version);
  const name = await requested(registry, job, dataSet.name);
  const result = isName(name, 'data set') ? name : null;
  remembered.set(key, result);
  return result;
}

/** What the training's job called the data set; the manifest says only its last part where it was a folder. */
async function requested(registry: Registry, job: string | null, otherwise: string): Promise<string> {
  if (job === null) return otherwise;
  try {
    return (await readTraining(registry.store, job)).request.dataSet;
  } catch (error) {
    if (error instanceof NotFoundError) return otherwise;
    throw error;
  }
}

/** The version that each model has in production. @throws CorruptDataError where nobody is told of it */
export async function inProduction(registry: Registry, onDamaged?: OnDamaged): Promise<VersionName[]> {
  const versions: VersionName[] = [];
  for await (const model of registry.store.folders(MODELS)) {
    if (!isName(model, 'model')) continue;
    const alias = await unlessDamaged(() => registry.alias(model, DEFAULT_ALIAS), onDamaged);
    if (alias !== null) versions.push({ model, version: alias.version });
  }
  return versions;
}

/** The versions in production that were trained on the data set, unless that one was deleted since. @throws CorruptDataError where nobody is told of it */
export async function followersOf(
  registry: Registry,
  dataSet: string,
  onDamaged?: OnDamaged,
): Promise<VersionName[]> {
  const followers: VersionName[] = [];
  for (const version of await inProduction(registry, onDamaged)) {
    const followed = await unlessDamaged(() => dataSetOf(registry, version), onDamaged);
    if (followed === dataSet && !(await wasDeletedSince(registry.store, dataSet, version)))
      followers.push(version);
  }
  return followers;
}
