import { dataSetOf } from '../../core/ingest/followers.ts';
import { syncGallery } from '../../core/ingest/sync.ts';
import type { Synced, SyncOptions } from '../../core/ingest/sync.ts';
import type { Registry } from '../../core/registry/registry.ts';
import type { VersionName } from '../versions/warm-version.ts';
import type { Following } from './following.ts';

/**
 * Compares the gallery of a version in production with the data set that it follows, if it follows one, and watches that from now on.
 * @throws as {@link syncGallery} does
 */
export async function compareWhole(
  registry: Registry,
  version: VersionName,
  following: Following,
  options: SyncOptions,
): Promise<Synced | null> {
  const dataSet = await dataSetOf(registry, version);
  if (dataSet === null) return null;
  // First: what comes while the whole is compared must not fall between the two.
  await following.watch(dataSet);
  return syncGallery(registry, version.model, options);
}
