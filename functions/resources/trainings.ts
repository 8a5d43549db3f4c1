import { createRoute, z } from '@hono/zod-openapi';
import { createJob, readProgress, readTraining } from '../../core/jobs/job.ts';
import type { Job, TrainingJob, TrainingRequest } from '../../core/jobs/job.ts';
import { createJobOnce, jobOfKey } from '../../core/jobs/once.ts';
import { checkName } from '../../core/registry/names.ts';
import type { Scope } from '../../core/registry/tokens.ts';
import type { Deps } from '../deps.ts';
import { RequestError } from '../errors.ts';
import { jsonBody } from '../http/body.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';
import type { Seen } from '../trainings/trainings.ts';
import {
  cancelJob,
  eventHeaders,
  fieldsOf,
  followJob,
  idParams,
  jobFields,
  keyHeaders,
  listQuery,
  newestJobs,
  requireDataSets,
  requiredTrainings,
  seen,
} from './jobs.ts';

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

const { id, state, createdAt, startedAt, finishedAt, attempts, cancelRequested, waiting, error } = jobFields;
const trainingSchema = z
  .object({
    id,
    state,
    dataset: z.string(),
    testSet: z.string().nullable(),
    model: z.string(),
    recipe: z.string(),
    options: z.record(z.string(), z.unknown()),
    seed: z.int(),
    promote: z.boolean(),
    createdAt,
    startedAt,
    finishedAt,
    attempts,
    cancelRequested,
    progress: z.object({ at: z.string(), progress: z.unknown() }).nullable(),
    waiting,
    result: z
      .object({
        model: z.string(),
        version: z.int(),
        promoted: z.boolean().optional(),
        gate: z.record(z.string(), z.unknown()).nullable().optional(),
      })
      .nullable(),
    error,
  })
  .openapi('Training');

const tags = ['trainings'];
const params = idParams('training');

const start = createRoute({
  method: 'post',
  path: '/trainings',
  tags,
  summary: 'Have a model trained',
  request: {
    headers: keyHeaders('training'),
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
  request: { query: listQuery },
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
  request: { params, headers: eventHeaders },
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
      const trainings = requiredTrainings(deps, 'trainings');
      // Asked again it is the same training, also where there would be no room for another one.
      if ((await jobOfKey(store, key, request)) === null) {
        await trainings.check(request);
        await trainings.room();
      }
      const job = await createJobOnce(store, key, request, createJob, { via: 'http' });
      if (job.state === 'queued') await trainings.offer(job.id);
      c.header('Location', `/v1/trainings/${job.id}`);
      return c.json(await shownOne(deps, job), 202);
    })
    .openapi(list, async (c) => {
      const jobs = await newestJobs(deps, c.req.valid('query').limit, isTraining);
      return c.json({ trainings: await shown(deps, jobs) }, 200);
    })
    .openapi(show, async (c) =>
      c.json(await shownOne(deps, await readTraining(store, c.req.valid('param').id)), 200),
    )
    .openapi(events, async (c) => {
      const { id: job } = c.req.valid('param');
      const read = async () => shownOne(deps, await readTraining(store, job));
      await read();
      return followJob(c, deps, 'training', c.req.valid('header')['last-event-id'], read);
    })
    .openapi(cancel, async (c) => {
      const { id: job } = c.req.valid('param');
      await readTraining(store, job);
      await cancelJob(deps, job);
      return c.json(await shownOne(deps, await readTraining(store, job)), 202);
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

const isTraining = (job: Job): job is TrainingJob => job.kind === undefined;

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
  await requireDataSets(registry, testSet === null ? [dataset] : [dataset, testSet]);
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

async function shownOne(deps: Deps, job: TrainingJob): Promise<Training> {
  const [training] = await shown(deps, [job]);
  return training as Training;
}

async function shown(deps: Deps, jobs: readonly TrainingJob[]): Promise<Training[]> {
  return Promise.all((await seen(deps, jobs)).map((one) => trainingOf(deps, one)));
}

async function trainingOf(deps: Deps, one: Seen<TrainingJob>): Promise<Training> {
  const { request, result } = one.job;
  const progress = one.job.state === 'running' ? await readProgress(deps.registry.store, one.job.id) : null;
  const { dataSet: dataset, testSet, model, recipe, options, seed, promote } = request;
  return {
    ...fieldsOf(deps, one),
    dataset,
    testSet,
    model,
    recipe,
    options,
    seed,
    promote,
    progress: progress && { at: progress.at, progress: progress.progress },
    result,
  };
}
