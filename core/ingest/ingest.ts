/** Images of datasets that came, changed or went, recorded in the galleries of the models that follow these datasets. */
import type { Registry } from '../registry/registry.ts';
import { pathsByDataset } from './dataset-paths.ts';
import { followersOf } from './followers.ts';
import type { VersionName } from './followers.ts';
import { KnownGalleries } from './known-galleries.ts';
import { reconcile } from './reconcile.ts';
import type { Ingested, ReconcileOptions } from './reconcile.ts';

export interface IngestOptions extends ReconcileOptions {
  /** The versions in production that follow a dataset, for a caller that remembers them for a moment. @default looked up */
  readonly followers?: (dataset: string) => Promise<readonly VersionName[]>;
}

/**
 * Reconciles each image with every gallery that follows its dataset. The store is asked what is there now: an event may come twice, late, or
 * in the wrong order.
 * @param keys `datasets/<dataset>/<class>/<file>`; others, and those that datasets do not count as images, are passed over
 * @returns an entry for each image and each model that follows its dataset
 * @throws what {@link reconcile} throws, once all models had their turn
 */
export async function ingest(
  registry: Registry,
  keys: readonly string[],
  options: IngestOptions,
): Promise<Ingested[]> {
  const { embed, galleries = new KnownGalleries(registry) } = options;
  const ingested: Ingested[] = [];
  const failures: unknown[] = [];
  for (const [dataset, paths] of pathsByDataset(keys)) {
    const followers = await (options.followers?.(dataset) ?? followersOf(registry, dataset));
    for (const { model, version } of followers) {
      // A damaged model keeps no other one from it.
      await reconcile(registry, { model, version, dataset }, paths, { embed, galleries }).then(
        (done) => ingested.push(...done),
        (error: unknown) => failures.push(error),
      );
    }
  }
  if (failures.length > 0) throw failures[0];
  return ingested;
}
