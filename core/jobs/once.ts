/** A job for a key that whoever asks has made up: asked again with the same key, it is the same job. */
import { ulid } from 'ulid';
import { z } from 'zod';
import { ConflictError, NotFoundError } from '../errors.ts';
import { digest } from '../images/picture.ts';
import { createOnce, readDocument } from '../registry/documents.ts';
import type { ObjectStore } from '../storage/store.ts';
import { JOBS } from '../registry/layout.ts';
import { readJob } from './job.ts';
import type { Job, NewJob } from './job.ts';

const claimSchema = z.strictObject({ job: z.string(), request: z.string() });

/** No job's folder is called so: their ids are ULIDs. */
const keyOf = (key: string): string => `${JOBS}keys/${digest(key)}.json`;

/**
 * The key's job, made now unless there is one. First the key is bound to an id, then the job of that id is made; whoever is killed in
 * between leaves it to be made by the next one who asks.
 * @param create `createJob` or `createImport`
 * @param options `asked`: what has to be the same when it is asked again; the request unless told
 * @throws ConflictError when the key was used for another request
 */
export async function createJobOnce<J extends Job>(
  store: ObjectStore,
  key: string,
  request: J['request'],
  create: (store: ObjectStore, request: J['request'], given: NewJob) => Promise<J>,
  { via, asked = request }: Pick<Job, 'via'> & { readonly asked?: unknown } = {},
): Promise<J> {
  const mine = { job: ulid(), request: digest(JSON.stringify(asked)) };
  const claim = sameRequest(await createOnce(store, keyOf(key), mine, claimSchema), mine.request);
  try {
    return await create(store, request, { id: claim.job, via });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    // The claim is of the same request, and so of a job of the same kind.
    return (await readJob(store, claim.job)) as J;
  }
}

/**
 * The key's job, or null where there is none yet.
 * @throws ConflictError when the key was used for another request
 */
export async function jobOfKey(store: ObjectStore, key: string, asked: unknown): Promise<Job | null> {
  const found = await readDocument(store, keyOf(key), claimSchema);
  if (found === null) return null;
  const claim = sameRequest(found.value, digest(JSON.stringify(asked)));
  try {
    return await readJob(store, claim.job);
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

type Claim = z.infer<typeof claimSchema>;

function sameRequest(claim: Claim, request: string): Claim {
  if (claim.request === request) return claim;
  throw new ConflictError(
    'This Idempotency-Key was used for another job. Take a new key for a new one, or ask for the same one again.',
  );
}
