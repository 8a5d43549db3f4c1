/** What trainings and imports have in common over HTTP: fields, parameters and responses of jobs. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { JOB_STATES } from '../../core/jobs/job.ts';
import { plainText } from '../../core/jobs/plain-text.ts';
import { noDataset } from '../../core/registry/dataset-deletion.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { isUlid } from '../../core/ulid.ts';
import { busy } from '../errors.ts';
import type { Memory } from '../http/memory.ts';
import { pageLimit } from '../http/numbers.ts';
import type { TextFilter } from '../http/places.ts';
import { answer, problems, queryOf } from '../http/router.ts';
import { sendStates } from '../trainings/events.ts';
import type { Streams } from '../trainings/events.ts';
import { OBSTACLES } from '../trainings/trainings.ts';
import type { Seen, Trainings } from '../trainings/trainings.ts';

/** What the routes of jobs need. */
export interface JobNeeds {
  readonly registry: Registry;
  /** What runs jobs; null: this server runs none. */
  readonly trainings: Trainings | null;
  readonly memory: Memory;
  readonly streams: Streams;
  readonly trouble: (error: unknown) => void;
  readonly withoutPlace: TextFilter;
}

/** Of the answers about a job of any kind. */
export const jobFields = {
  id: z.string(),
  state: z.enum([...JOB_STATES, 'interrupted']).meta({
    description: '"interrupted": its process is gone; a server resumes its own jobs by itself.',
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
    .meta({ description: 'Why the job is pending; empty where no reason is known.' }),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
};

/** These fields of one job. @param withoutPlace takes the registry's location out of messages */
export function fieldsOf({ job, interrupted, waiting }: Seen, withoutPlace: TextFilter) {
  const { id, createdAt, startedAt, finishedAt, attempts, cancelRequested } = job;
  // Earlier Kindreds kept what a process said last as it was.
  const error = job.error && { ...job.error, message: plainText(withoutPlace(job.error.message)) };
  const state = interrupted ? ('interrupted' as const) : job.state;
  const moments = { createdAt, startedAt, finishedAt };
  return { id, state, ...moments, attempts, cancelRequested, waiting: [...waiting], error };
}

/** A dataset that was given to the command line as a path or address is shown by its last name alone. */
export function dataSetShown(dataSet: string): string {
  return dataSet.includes('/') ? `…/${dataSet.replace(/\/+$/, '').split('/').at(-1)}` : dataSet;
}

/** @param what such as "training" */
export const idParams = (what: string) =>
  z.object({ id: z.string().refine(isUlid, `not the id of ${withArticle(what)}`) });

export const listQuery = queryOf({ limit: pageLimit });

/** The request that starts a job. @param body the name of the body's schema */
export const startRequest = (what: string, body: string) => ({
  headers: z.object({
    'idempotency-key': z
      .string({
        error: `a key made up by you, with which the same ${what} can be asked for again, is missing`,
      })
      .min(1)
      .max(255)
      .meta({
        description: `Made up by the client; a request repeated with it returns the same ${what}, also when it has ended.`,
      }),
  }),
  body: {
    required: true,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${body}` } } },
  },
});

/** The responses of a route that starts or resumes a job. */
export const accepted = <T extends z.ZodType>(schema: T, ...statuses: number[]) => ({
  202: answer('The job is queued or running; Location is its address.', schema),
  ...problems(409, 501, ...statuses),
});

/** A stream of a job's states. */
export const eventStream = (what: string) => ({
  summary: `Follow ${withArticle(what)}, as server-sent events`,
  description:
    `Each event "${what}" is the whole ${what} as GET shows it, sent when it has changed; the last one has a final state ` +
    'and ends the stream. With Last-Event-ID, a state that is already known is not sent again.',
  request: { params: idParams(what), headers: z.object({ 'last-event-id': z.string().optional() }) },
  responses: {
    200: { description: 'Events.', content: { 'text/event-stream': { schema: z.string() } } },
    ...problems(),
  },
});

const withArticle = (what: string): string => `${what.startsWith('i') ? 'an' : 'a'} ${what}`;

/** @throws NotFoundError naming the first dataset that does not exist, and the nearest name */
export async function requireDataSets(registry: Registry, wanted: readonly string[]): Promise<void> {
  const names = await registry.dataSets();
  for (const name of wanted) {
    if (names.includes(name)) continue;
    throw await noDataset(registry.store, name);
  }
}

interface Followed {
  /** The name of the events. */
  readonly event: string;
  /** The id of the last event that the client has. */
  readonly known: string | undefined;
  readonly read: () => Promise<{ readonly state: string }>;
}

/** Streams the states of a job. @throws NotFoundError; RequestError (busy) when too many streams are open */
export async function followJob(
  c: Context,
  { streams, trouble }: Pick<JobNeeds, 'streams' | 'trouble'>,
  { event, known, read }: Followed,
): Promise<Response> {
  await read();
  // A body that nobody reads would never end.
  if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' });
  if (!streams.enter()) throw busy(`Too many follow ${event}s already. Try again later.`);
  return streamSSE(c, async (stream) => {
    try {
      await sendStates(stream, event, read, { known: known ?? null, ended: streams.ended });
    } catch (error) {
      // The stream ends; a client that reconnects gets the error as a response.
      trouble(error);
    } finally {
      streams.leave();
    }
  });
}
