import { createRoute, z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { ConflictError, InvalidInputError, NotFoundError } from '../../core/errors.ts';
import { requestCancel } from '../../core/jobs/cancel.ts';
import { JOB_STATES, listJobs, readJob, readProgress } from '../../core/jobs/job.ts';
import type { Job, TrainingRequest } from '../../core/jobs/job.ts';
import { createJobOnce, jobOfKey } from '../../core/jobs/once.ts';
import { isOwnerAlive } from '../../core/jobs/owner.ts';
import { checkName } from '../../core/registry/names.ts';
import type { Scope } from '../../core/registry/tokens.ts';
import { suggest } from '../../core/suggest.ts';
import { isUlid } from '../../core/ulid.ts';
import type { Deps } from '../deps.ts';
import { RequestError, busy } from '../errors.ts';
import { jsonBody } from '../http/body.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';
import { sendStates } from '../trainings/events.ts';
import { OBSTACLES } from '../trainings/trainings.ts';
import type { Seen, Trainings } from '../trainings/trainings.ts';

const share = z.number().min(0).max(1);
const value = z.union([z.string().max(200), z.number(), z.boolean()]);

const wantedSchema = z
  .strictObject({
    dataset: nameSchema.meta({ description: 'A data set in the registry.' }),
    testSet: nameSchema
      .optional()
      .meta({ description: 'The data set to judge on; else a part is held out.' }),
    holdOut: z.number().min(0).max(0.9).default(0.2).meta({ description: 'The part that is held out.' }),
    model: nameSchema
      .optional()
      .meta({ description: 'What the model is called.', default: 'as the data set' }),
    recipe: z.string().max(63).default('metric'),
    options: z.record(z.string().max(63), z.union([value, z.array(value).max(32)])).default({}),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(0),
    promote: z.boolean().default(false).meta({
      description: 'Whether the version is to answer ("production") when it is no worse than the one before.',
    }),
    force: z.boolean().optional().meta({ description: 'Also when it is worse; needs the scope admin.' }),
    tolerance: share.optional().meta({ description: 'How much worse it may be; needs the scope admin.' }),
    falseRejection: share.optional(),
    falseAcceptance: share.optional(),
  })
  .openapi('WantedTraining');

const trainingSchema = z
  .object({
    id: z.string(),
    state: z.enum([...JOB_STATES, 'interrupted']).meta({
      description: '"interrupted": its process is gone; a server goes on with its own jobs by itself.',
    }),
    dataset: z.string(),
    testSet: z.string().nullable(),
    model: z.string(),
    recipe: z.string(),
    options: z.record(z.string(), z.unknown()),
    seed: z.int(),
    promote: z.boolean(),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    attempts: z.int(),
    cancelRequested: z.boolean(),
    progress: z.object({ at: z.string(), progress: z.unknown() }).nullable(),
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
    result: z
      .object({
        model: z.string(),
        version: z.int(),
        promoted: z.boolean().optional(),
        gate: z.record(z.string(), z.unknown()).nullable().optional(),
      })
      .nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .openapi('Training');

const tags = ['trainings'];
const params = z.object({ id: z.string().refine(isUlid, 'not the id of a training') });

const start = createRoute({
  method: 'post',
  path: '/trainings',
  tags,
  summary: 'Have a model trained',
  request: {
    headers: z.object({
      'idempotency-key': z
        .string()
        .min(1)
        .max(255)
        .meta({ description: 'Made up by you; asked again with it, the training is the same one.' }),
    }),
    body: {
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/WantedTraining' } } },
    },
  },
  responses: {
    202: answer('It waits, or runs; Location says where to look.', trainingSchema),
    ...problems(409, 413, 415, 501),
  },
});

const list = createRoute({
  method: 'get',
  path: '/trainings',
  tags,
  summary: 'List the trainings, newest first',
  request: {
    query: z.object({
      limit: z
        .string()
        .regex(/^(?:[1-9]\d{0,2}|1000)$/, 'a whole number from 1 to 1000')
        .optional()
        .meta({ default: '100' }),
    }),
  },
  responses: { 200: answer('Trainings.', z.object({ trainings: z.array(trainingSchema) })), ...problems() },
});

const show = createRoute({
  method: 'get',
  path: '/trainings/{id}',
  tags,
  summary: 'Show a training, and how far it is',
  request: { params },
  responses: { 200: answer('The training.', trainingSchema), ...problems() },
});

const events = createRoute({
  method: 'get',
  path: '/trainings/{id}/events',
  tags,
  summary: 'Follow a training, as server-sent events',
  description:
    'Each event "training" is the whole training as GET shows it, sent when it has changed; the last one has a state that is final, and ends the stream. With Last-Event-ID nothing is sent that is known already.',
  request: { params, headers: z.object({ 'last-event-id': z.string().optional() }) },
  responses: {
    200: { description: 'Events.', content: { 'text/event-stream': { schema: z.string() } } },
    ...problems(),
  },
});

const cancel = createRoute({
  method: 'delete',
  path: '/trainings/{id}',
  tags,
  summary: 'Ask a training to stop; it keeps a checkpoint',
  request: { params },
  responses: { 202: answer('It stops soon.', trainingSchema), ...problems(409) },
});

/** Trainings as jobs. */
export function trainingRoutes(deps: Deps) {
  const { store } = deps.registry;
  const routes = router();
  routes.openAPIRegistry.register('WantedTraining', wantedSchema);
  return routes
    .openapi(start, async (c) => {
      const key = c.req.valid('header')['idempotency-key'];
      const wanted = await jsonBody(c.req.raw, wantedSchema, deps.memory);
      requireRightToForce(wanted, c.var.scopes);
      const request = await requestOf(deps, wanted);
      const trainings = required(deps.trainings);
      // Asked again it is the same training, also where there would be no room for another one.
      if ((await jobOfKey(store, key, request)) === null) {
        await trainings.check(request);
        await trainings.room();
      }
      const { job } = await createJobOnce(store, key, request, { via: 'http' });
      if (job.state === 'queued') await trainings.offer(job.id);
      c.header('Location', `/v1/trainings/${job.id}`);
      return c.json(await shownOne(deps, job), 202);
    })
    .openapi(list, async (c) => {
      const jobs = await listJobs(store, Number(c.req.valid('query').limit ?? 100));
      return c.json({ trainings: await shown(deps, jobs.toReversed()) }, 200);
    })
    .openapi(show, async (c) =>
      c.json(await shownOne(deps, await readJob(store, c.req.valid('param').id)), 200),
    )
    .openapi(events, async (c) => {
      const { id } = c.req.valid('param');
      await readJob(store, id);
      // A body that nobody reads would never end.
      if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' });
      if (!deps.streams.enter()) throw busy('Too many follow trainings already. Try again later.');
      const known = c.req.valid('header')['last-event-id'] ?? null;
      const read = async () => shownOne(deps, await readJob(store, id));
      return streamSSE(c, async (stream) => {
        try {
          await sendStates(stream, read, { known, ended: deps.streams.ended });
        } catch (error) {
          // The stream ends, and whoever follows comes back and is told.
          deps.trouble(error);
        } finally {
          deps.streams.leave();
        }
      });
    })
    .openapi(cancel, async (c) => {
      const { id } = c.req.valid('param');
      const job = await requestCancel(store, id).catch((error: unknown) => {
        // It has ended: not the request is wrong, but it comes too late.
        throw error instanceof InvalidInputError ? new ConflictError(error.message, { cause: error }) : error;
      });
      await deps.trainings?.cancelled(id);
      return c.json(await shownOne(deps, job), 202);
    });
}

/** Whoever may train may have a version answer that is no worse; what else answers is for those to say who may move aliases. */
function requireRightToForce(
  { force, tolerance }: z.infer<typeof wantedSchema>,
  scopes: readonly Scope[] | undefined,
): void {
  if (force !== true && tolerance === undefined) return;
  if (scopes === undefined || scopes.includes('admin')) return;
  throw new RequestError(
    403,
    'forbidden',
    '"force" and "tolerance" let a version answer that is worse; they need the scope "admin".',
  );
}

function required(trainings: Trainings | null): Trainings {
  if (trainings !== null) return trainings;
  throw new RequestError(501, 'not-offered', 'This server starts no trainings.');
}

/** @throws NotFoundError when there is no such data set; InvalidInputError */
async function requestOf({ registry }: Deps, wanted: z.infer<typeof wantedSchema>): Promise<TrainingRequest> {
  const {
    dataset,
    testSet = null,
    holdOut,
    model = dataset,
    recipe,
    options,
    seed,
    promote,
    ...gate
  } = wanted;
  const names = await registry.dataSets();
  for (const name of [dataset, testSet]) {
    if (name === null || names.includes(name)) continue;
    throw new NotFoundError(
      `There is no data set ${JSON.stringify(name)}.${suggest(name, names, 'data set')}`,
    );
  }
  checkName(model, 'model');
  const optional = Object.entries(gate).filter(([, given]) => given !== undefined);
  return {
    dataSet: dataset,
    testSet,
    holdOut: testSet === null ? holdOut : 0,
    model,
    recipe,
    options,
    seed,
    promote,
    ...Object.fromEntries(optional),
  };
}

type Training = z.infer<typeof trainingSchema>;

async function shownOne(deps: Deps, job: Job): Promise<Training> {
  const [training] = await shown(deps, [job]);
  return training as Training;
}

/** What runs trainings may know more of them than the registry does. */
async function shown(deps: Deps, jobs: readonly Job[]): Promise<Training[]> {
  const { trainings } = deps;
  const seen = trainings === null ? jobs.map(alone) : await trainings.look(jobs);
  return Promise.all(seen.map((one) => trainingOf(deps, one)));
}

const alone = (job: Job): Seen => ({
  job,
  interrupted: job.state === 'running' && !isOwnerAlive(job),
  waiting: [],
});

async function trainingOf(
  { registry, withoutPlace }: Deps,
  { job, interrupted, waiting }: Seen,
): Promise<Training> {
  const { id, request, result, error, createdAt, startedAt, finishedAt, attempts, cancelRequested } = job;
  const progress = job.state === 'running' ? await readProgress(registry.store, id) : null;
  return {
    id,
    state: interrupted ? 'interrupted' : job.state,
    dataset: request.dataSet,
    testSet: request.testSet,
    model: request.model,
    recipe: request.recipe,
    options: request.options,
    seed: request.seed,
    promote: request.promote,
    createdAt,
    startedAt,
    finishedAt,
    attempts,
    cancelRequested,
    progress: progress && { at: progress.at, progress: progress.progress },
    waiting: [...waiting],
    result,
    error: error && { ...error, message: withoutPlace(error.message) },
  };
}
