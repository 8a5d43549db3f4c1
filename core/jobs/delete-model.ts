import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { keysBelow, removeAll } from '../registry/remove-all.ts';
import type { Author } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import { requestCancel } from './cancel.ts';
import { jobPrefix } from '../registry/layout.ts';
import { isOpen, jobKey, listJobs, readJob } from './job.ts';
import type { Job } from './job.ts';

/**
 * Deletes a model: all versions, aliases, its gallery and images, and what its jobs keep but their records. Repeating it
 * finishes an interrupted deletion.
 * @param options.force also while the model is in production or a job works on it, which is cancelled
 * @returns the versions it had
 * @throws NotFoundError; ConflictError when it is refused
 */
export async function deleteModel(
  registry: Registry,
  model: string,
  author: Author,
  { force = false }: { readonly force?: boolean } = {},
): Promise<number[]> {
  const jobs = () => listJobs(registry.store, Infinity, (job): job is Job => job.request.model === model);
  if (!force) refuseOpen(await jobs(), `The model "${model}"`);
  const also = async () => {
    for (const { id } of await jobs()) await removeLeftOvers(registry, id);
  };
  return registry.deleteModel(model, author, { force, also });
}

/** @throws ConflictError when one of the jobs waits or runs */
export function refuseOpen(jobs: readonly Job[], what: string): void {
  const open = jobs.find(isOpen);
  if (open === undefined) return;
  throw new ConflictError(
    `${what} is used by job ${open.id}, which is ${open.state}. Nothing was deleted. Wait for the job, cancel it with ` +
      `"kindred jobs cancel ${open.id}", or force it (--force, over HTTP ?force=true), which cancels it.`,
  );
}

/** Cancels the job unless it has ended. */
export async function cancelIfOpen(registry: Registry, id: string): Promise<Job> {
  const job = await readJob(registry.store, id);
  if (!isOpen(job)) return job;
  try {
    return await requestCancel(registry.store, id);
  } catch (error) {
    // It has ended meanwhile, or published, of which it only has to take note.
    if (error instanceof InvalidInputError) return readJob(registry.store, id);
    throw error;
  }
}

/** Checkpoints and the like; a job whose process is still at work removes or keeps its own. */
async function removeLeftOvers(registry: Registry, id: string): Promise<void> {
  try {
    if (isOpen(await cancelIfOpen(registry, id))) return;
  } catch (error) {
    if (error instanceof NotFoundError) return;
    throw error;
  }
  const keys = await keysBelow(registry.store, jobPrefix(id));
  await removeAll(
    registry.store,
    keys.filter((key) => key !== jobKey(id)),
  );
}
