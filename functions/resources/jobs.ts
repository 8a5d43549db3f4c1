/** What trainings and imports have in common over HTTP: both are jobs that run elsewhere. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { ConflictError, InvalidInputError, NotFoundError } from '../../core/errors.ts';
import { inOrder } from '../../core/images/in-order.ts';
import { requestCancel } from '../../core/jobs/cancel.ts';
import { JOB_STATES, listJobs } from '../../core/jobs/job.ts';
import type { Job } from '../../core/jobs/job.ts';
import { isInterrupted } from '../../core/jobs/owner.ts';
import { plainText } from '../../core/jobs/plain-text.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { suggest } from '../../core/suggest.ts';
import { isUlid } from '../../core/ulid.ts';
import type { Deps } from '../deps.ts';
import { RequestError, busy } from '../errors.ts';
import { queryOf } from '../http/router.ts';
import { sendStates } from '../trainings/events.ts';
import { OBSTACLES } from '../trainings/trainings.ts';
import type { Seen, Trainings } from '../trainings/trainings.ts';

/** Of the answers about a job of any kind. */
export const jobFields = {
  id: z.string(),
  state: z.enum([...JOB_STATES, 'interrupted']).meta({
    description: '"interrupted": its process is gone; a server goes on with its own jobs by itself.',
  }),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  attempts: z.int(),
  cancelRequested: z.boolean(),
  waiting: z
    .array(
      z.object({
        code: z.enum(Object.keys(OBSTACLES) as [keyof typeof OBSTACLES]).meta({
          description: Object.entries(OBSTACLES)
            .map(([code, words]) => `"${code}": ${words}`)
            .join('; '),
        }),
        message: z.string(),
      }),
    )
    .meta({
      description: 'Why it has not begun, or gone on; empty where nothing is known to be in its way.',
    }),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
};

/** These fields of one job. */
export function fieldsOf({ withoutPlace }: Deps, { job, interrupted, waiting }: Seen) {
  const { id, createdAt, startedAt, finishedAt, attempts, cancelRequested } = job;
  // Earlier Kindreds kept what a process said last as it was.
  const error = job.error && { ...job.error, message: plainText(withoutPlace(job.error.message)) };
  const state = interrupted ? ('interrupted' as const) : job.state;
  const moments = { createdAt, startedAt, finishedAt };
  return { id, state, ...moments, attempts, cancelRequested, waiting: [...waiting], error };
}

/** Of a folder or an address that the command line was given, only what it is called: where it lies is nothing to those who ask. */
export function dataSetShown(dataSet: string): string {
  return dataSet.includes('/') ? `…/${dataSet.replace(/\/+$/, '').split('/').at(-1)}` : dataSet;
}

/** @param what such as "training" */
export const idParams = (what: string) =>
  z.object({ id: z.string().refine(isUlid, `not the id of ${what.startsWith('i') ? 'an' : 'a'} ${what}`) });

/** @param what such as "training" */
export const keyHeaders = (what: string) =>
  z.object({
    'idempotency-key': z
      .string({
        error: `a key made up by you, with which the same ${what} can be asked for again, is missing`,
      })
      .min(1)
      .max(255)
      .meta({
        description: `Made up by you; asked again with it, the ${what} is the same one, also when it has ended.`,
      }),
  });

export const eventHeaders = z.object({ 'last-event-id': z.string().optional() });

export const listQuery = queryOf({
  limit: z
    .string()
    .regex(/^(?:[1-9]\d{0,2}|1000)$/, 'a whole number from 1 to 1000')
    .optional()
    .meta({ default: '100' }),
});

/** The newest jobs of a kind. @param limit as in the query */
export async function newestJobs<J extends Job>(
  { registry }: Deps,
  limit: string | undefined,
  isOne: (job: Job) => job is J,
): Promise<J[]> {
  return (await listJobs(registry.store, Number(limit ?? 100), isOne)).toReversed();
}

/** Jobs that are shown at once; of each, the store may be asked how far it is. */
const SHOWN_AT_ONCE = 16;

/** All of them as they are answered. */
export async function shownAll<J extends Job, A>(
  deps: Deps,
  jobs: readonly J[],
  shown: (one: Seen<J>) => Promise<A>,
): Promise<A[]> {
  const all: A[] = [];
  for await (const one of inOrder(await seen(deps, jobs), SHOWN_AT_ONCE, shown)) all.push(one);
  return all;
}

/** What runs the jobs may know more of them than the registry does. */
async function seen<J extends Job>({ trainings }: Deps, jobs: readonly J[]): Promise<readonly Seen<J>[]> {
  if (trainings !== null) return trainings.look(jobs);
  return jobs.map((job) => ({ job, interrupted: isInterrupted(job), waiting: [] }));
}

/** @throws NotFoundError naming the first one that the registry does not have, and what is like it */
export async function requireDataSets(registry: Registry, wanted: readonly string[]): Promise<void> {
  const names = await registry.dataSets();
  for (const name of wanted) {
    if (names.includes(name)) continue;
    throw new NotFoundError(
      `There is no data set ${JSON.stringify(name)}.${suggest(name, names, 'data set')}`,
    );
  }
}

/** @param what such as "trainings" */
export function requiredTrainings({ trainings }: Deps, what: string): Trainings {
  if (trainings !== null) return trainings;
  throw new RequestError(
    501,
    'not-offered',
    `This server starts no ${what}. Start them on the command line of a machine that reaches the registry, or by a server that does.`,
  );
}

/** Sends every state of a job as an event of that name. */
export function followJob(
  c: Context,
  { streams, trouble }: Deps,
  event: string,
  known: string | undefined,
  read: () => Promise<{ readonly state: string }>,
): Response {
  // A body that nobody reads would never end.
  if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' });
  if (!streams.enter()) throw busy(`Too many follow ${event}s already. Try again later.`);
  return streamSSE(c, async (stream) => {
    try {
      await sendStates(stream, event, read, { known: known ?? null, ended: streams.ended });
    } catch (error) {
      // The stream ends, and whoever follows comes back and is told.
      trouble(error);
    } finally {
      streams.leave();
    }
  });
}

/** Asks the job to stop. @throws ConflictError when it has ended */
export async function cancelJob({ registry, trainings }: Deps, id: string): Promise<Job> {
  const job = await requestCancel(registry.store, id).catch((error: unknown) => {
    // Not the request is wrong, but it comes too late.
    throw error instanceof InvalidInputError ? new ConflictError(error.message, { cause: error }) : error;
  });
  await trainings?.cancelled(id);
  return job;
}
