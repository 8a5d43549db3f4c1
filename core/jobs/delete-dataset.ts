import { ConflictError } from '../errors.ts';
import { followersOf } from '../ingest/followers.ts';
import type { Author } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import { cancelIfOpen, refuseOpen } from './delete-model.ts';
import { listJobs } from './job.ts';
import type { Job } from './job.ts';

/**
 * Deletes a dataset of the registry. Models that were trained on it keep their images and galleries, and follow no later
 * dataset of this name. Repeating it finishes an interrupted deletion.
 * @param options.force also while a version in production was trained on it, or a job uses it, which is cancelled
 * @returns how many images went
 * @throws NotFoundError; ConflictError when it is refused
 */
export async function deleteDataset(
  registry: Registry,
  dataset: string,
  author: Author,
  { force = false }: { readonly force?: boolean } = {},
): Promise<number> {
  const jobs = await listJobs(registry.store, Infinity, (job): job is Job => uses(job, dataset));
  if (!force) {
    refuseOpen(jobs, `The dataset "${dataset}"`);
    await refuseFollowed(registry, dataset);
  }
  return registry.deleteDataset(dataset, author, async () => {
    for (const { id } of jobs) await cancelIfOpen(registry, id);
  });
}

function uses({ request }: Job, dataset: string): boolean {
  return request.dataSet === dataset || ('testSet' in request && request.testSet === dataset);
}

async function refuseFollowed(registry: Registry, dataset: string): Promise<void> {
  const followers = await followersOf(registry, dataset);
  if (followers.length === 0) return;
  const names = followers.map(({ model, version }) => `${model}@${version}`).join(', ');
  throw new ConflictError(
    `In production, trained on the dataset "${dataset}", and following it: ${names}. Nothing was deleted. Force it (--force, over ` +
      `HTTP ?force=true) to delete it all the same: these models keep their galleries, which follow it no more.`,
  );
}
