import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ConflictError } from '../errors.ts';
import { putIf } from '../storage/put-if.ts';
import type { ObjectStore } from '../storage/store.ts';
import { encode, readDocument } from './documents.ts';
import type { Stored } from './documents.ts';
import { claimKey, publicationKey, versionsPrefix } from './layout.ts';
import { goneUpTo, readModelTombstone, requireNotDeleting } from './model-tombstone.ts';
import { checkJob, checkName } from './names.ts';
import { readTombstone } from './tombstones.ts';
import { versionExists } from './version-exists.ts';

const ATTEMPTS = 1000;

const claimSchema = z.strictObject({
  version: z.number().int().min(1),
  at: z.iso.datetime(),
  by: z.string(),
  job: z.string().nullable(),
  /** Changes hands with the right to write this version's files. */
  token: z.string(),
});
const publicationSchema = z.strictObject({ version: z.number().int().min(1) });

export type Claim = z.infer<typeof claimSchema>;

/** All numbers of the model that were ever claimed, ascending, published or not. */
export async function claimedVersions(store: ObjectStore, model: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const name of store.folders(versionsPrefix(model))) {
    if (/^[1-9]\d{0,14}$/.test(name)) numbers.push(Number(name));
  }
  return numbers.toSorted((a, b) => a - b);
}

/** Who has taken the number, or null when nobody has. @throws CorruptDataError */
export async function readClaim(
  store: ObjectStore,
  model: string,
  version: number,
): Promise<Stored<Claim> | null> {
  return readDocument(store, claimKey(model, version), claimSchema);
}

/**
 * Takes the number after the highest ever taken; of several at once each gets its own.
 * @throws ConflictError while the model is being deleted
 */
async function claimNext(store: ObjectStore, model: string, by: string, job: string | null): Promise<Claim> {
  const tombstone = await readModelTombstone(store, model);
  requireNotDeleting(model, tombstone);
  const first = Math.max((await claimedVersions(store, model)).at(-1) ?? 0, goneUpTo(tombstone)) + 1;
  for (let version = first; version < first + ATTEMPTS; version++) {
    const claim = { version, at: new Date().toISOString(), by, job, token: randomUUID() };
    const etag = await putIf(store, claimKey(model, version), encode(claim), { ifAbsent: true });
    if (etag !== null) return claim;
  }
  throw new ConflictError(`${ATTEMPTS} others took a version number of "${model}" first. Try again.`);
}

/**
 * Makes every publisher that holds the claim until now notice, before it writes anything more, that it is its no more.
 * @throws ConflictError when somebody else takes it over at the same time
 */
export async function takeOver(store: ObjectStore, model: string, claim: Stored<Claim>): Promise<Claim> {
  const mine = { ...claim.value, token: randomUUID() };
  await store.put(claimKey(model, mine.version), encode(mine), { ifMatch: claim.etag });
  return mine;
}

/** @throws ConflictError when the claim has changed hands, or is gone with the model */
export async function checkStillMine(store: ObjectStore, model: string, claim: Claim): Promise<void> {
  const current = await readClaim(store, model, claim.version);
  if (current?.value.token === claim.token) return;
  throw new ConflictError(
    current === null
      ? `The model "${model}" was deleted while version ${claim.version} of it was published; this process stops.`
      : `Another process took over the publication of version ${claim.version} of "${model}"; this one stops.`,
  );
}

/** @throws ConflictError when the model was deleted since the number was taken */
export async function checkNotDeleted(store: ObjectStore, model: string, { version }: Claim): Promise<void> {
  if (version > goneUpTo(await readModelTombstone(store, model))) return;
  throw new ConflictError(
    `The model "${model}" was deleted while version ${version} of it was published. Publish it again to make a new model.`,
  );
}

/**
 * A number to publish under. With a job id, the same number each time until it is published: a job that was killed
 * in the middle goes on with the number it had.
 * @returns `published` when the job has published already
 * @throws ConflictError when what the job published was deleted since
 */
export async function claimFor(
  store: ObjectStore,
  model: string,
  by: string,
  job: string | null,
): Promise<{ claim: Claim } | { published: number }> {
  if (job === null) return { claim: await claimNext(store, model, by, null) };
  const key = publicationKey(model, job);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const known = await readDocument(store, key, publicationSchema);
    if (known === null) {
      const claim = await claimNext(store, model, by, job);
      const etag = await putIf(store, key, encode({ version: claim.version }), { ifAbsent: true });
      if (etag !== null) return { claim };
      continue; // another process of this job was faster; the number stays unused
    }
    const { version } = known.value;
    if (await versionExists(store, model, version)) return { published: version };
    const tombstone = await readTombstone(store, model, version);
    if (tombstone?.value.state === 'deleting') {
      throw new ConflictError(
        `The job ${job} published version ${version} of "${model}", which was deleted since. Start a new training.`,
      );
    }
    const before = await readClaim(store, model, version);
    if (tombstone === null && before !== null) return { claim: await takeOver(store, model, before) };
    const claim = await claimNext(store, model, by, job);
    await store.put(key, encode({ version: claim.version }), { ifMatch: known.etag });
    return { claim };
  }
  throw new ConflictError(`Too many processes publish the job ${job} of "${model}" at once.`);
}

/** The version that the job has published, or null when it has not. */
export async function publishedBy(store: ObjectStore, model: string, job: string): Promise<number | null> {
  checkName(model, 'model');
  checkJob(job);
  const known = await readDocument(store, publicationKey(model, job), publicationSchema);
  if (known === null) return null;
  const { version } = known.value;
  return (await versionExists(store, model, version)) ? version : null;
}
