import type { ObjectStore } from '../storage/store.ts';
import { manifestKey } from './layout.ts';
import { goneUpTo, readModelTombstone } from './model-tombstone.ts';

/** Whether the version was published, and neither it nor its model was deleted since. */
export async function versionExists(store: ObjectStore, model: string, version: number): Promise<boolean> {
  const [has, tombstone] = await Promise.all([
    hasManifest(store, model, version),
    readModelTombstone(store, model),
  ]);
  return has && version > goneUpTo(tombstone);
}

/** Whether the version's manifest is there; its model may have been deleted all the same. */
export async function hasManifest(store: ObjectStore, model: string, version: number): Promise<boolean> {
  return (await store.head(manifestKey(model, version))) !== null;
}
