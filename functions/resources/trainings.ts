import { z } from '@hono/zod-openapi';
import { createJob, readProgress, readTraining } from '../../core/jobs/job.ts';
import type { TrainingJob } from '../../core/jobs/job.ts';
import type { TrainingRequest } from '../../core/pipeline/request.ts';
import { checkName } from '../../core/registry/names.ts';
import type { Scope } from '../../core/registry/tokens.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import { DEFAULT_RECIPE, recipeOptions } from '../../core/training/recipes/index.ts';
import { RequestError } from '../errors.ts';
import { jsonBody } from '../http/body.ts';
import type { TextFilter } from '../http/places.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';
import type { Seen } from '../trainings/trainings.ts';
import { JobService } from './job-service.ts';
import {
  accepted,
  dataSetShown,
  eventStream,
  fieldsOf,
  followJob,
  idParams,
  jobFields,
  listQuery,
  requireDataSets,
  startRequest,
} from './jobs.ts';
import type { JobNeeds } from './jobs.ts';

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
    recipe: z.string().max(63).default(DEFAULT_RECIPE),
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
type Wanted = z.infer<typeof wantedSchema>;

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

const params = idParams('training');
const tag = 'trainings';

const start = route({
  method: 'post',
  path: '/trainings',
  scope: 'train',
  tag,
  summary: 'Start a training',
  request: startRequest('training', 'WantedTraining'),
  responses: accepted(trainingSchema, 413, 415),
});

const list = route({
  method: 'get',
  path: '/trainings',
  scope: 'read',
  tag,
  summary: 'List trainings, newest first',
  request: { query: listQuery },
  responses: { 200: answer('Trainings.', z.object({ trainings: z.array(trainingSchema) })), ...problems() },
});

const show = route({
  method: 'get',
  path: '/trainings/{id}',
  scope: 'read',
  tag,
  summary: 'Show a training and its progress',
  request: { params },
  responses: { 200: answer('The training.', trainingSchema), ...problems() },
});

const events = route({
  method: 'get',
  path: '/trainings/{id}/events',
  scope: 'read',
  tag,
  ...eventStream('training'),
});

const cancel = route({
  method: 'delete',
  path: '/trainings/{id}',
  scope: 'train',
  tag,
  summary: 'Cancel a training; it keeps a checkpoint',
  request: { params },
  responses: { 202: answer('It stops soon.', trainingSchema), ...problems(409) },
});

const resume = route({
  method: 'post',
  path: '/trainings/{id}/resume',
  scope: 'train',
  tag,
  summary: 'Resume a training that failed or was cancelled',
  description: 'A training resumes from its last checkpoint. A queued or running training is left as it is.',
  request: { params },
  responses: accepted(trainingSchema),
});

/** Trainings as jobs. */
export function trainingRoutes(needs: JobNeeds) {
  const { registry, trainings, memory, withoutPlace } = needs;
  const { store } = registry;
  const jobs = new JobService(store, trainings, {
    plural: 'trainings',
    read: readTraining,
    isOne: (job): job is TrainingJob => job.kind === undefined,
    create: createJob,
    shown: (one) => trainingOf(one, store, withoutPlace),
    same: (wanted: Wanted, scopes) => {
      requireRightToForce(wanted, scopes);
      return requestOf(wanted);
    },
    request: async (wanted) => {
      const request = requestOf(wanted);
      const { dataSet, testSet } = request;
      await requireDataSets(registry, testSet === null ? [dataSet] : [dataSet, testSet]);
      checkName(request.model, 'model');
      return request;
    },
    check: async ({ recipe, options }) => void recipeOptions(recipe, options),
    authorizeResume: ({ request }, scopes) => requireRightToForce(request, scopes),
  });
  const routes = router();
  routes.openAPIRegistry.register('WantedTraining', wantedSchema);
  return routes
    .openapi(start, async (c) => {
      const wanted = await jsonBody(c.req.raw, wantedSchema, memory);
      const started = await jobs.start(c.req.valid('header')['idempotency-key'], wanted, c.var.scopes);
      c.header('Location', `/v1/trainings/${started.id}`);
      return c.json(started, 202);
    })
    .openapi(list, async (c) => c.json({ trainings: await jobs.list(c.req.valid('query').limit) }, 200))
    .openapi(show, async (c) => c.json(await jobs.show(c.req.valid('param').id), 200))
    .openapi(events, (c) => {
      const read = () => jobs.show(c.req.valid('param').id);
      const known = c.req.valid('header')['last-event-id'];
      return followJob(c, needs, { event: 'training', known, read });
    })
    .openapi(cancel, async (c) => c.json(await jobs.cancel(c.req.valid('param').id), 202))
    .openapi(resume, async (c) => {
      const resumed = await jobs.resume(c.req.valid('param').id, c.var.scopes);
      c.header('Location', `/v1/trainings/${resumed.id}`);
      return c.json(resumed, 202);
    });
}

/** Whoever may train may have a version answer that is no worse; what else answers is for those to say who may move aliases. */
function requireRightToForce(
  { force, tolerance }: Pick<TrainingRequest, 'force' | 'tolerance'>,
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

function requestOf(wanted: Wanted): TrainingRequest {
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

async function trainingOf(
  one: Seen<TrainingJob>,
  store: ObjectStore,
  withoutPlace: TextFilter,
): Promise<Training> {
  const { request, result } = one.job;
  const progress = one.job.state === 'running' ? await readProgress(store, one.job.id) : null;
  const { dataSet: dataset, testSet, model, recipe, options, seed, promote } = request;
  return {
    ...fieldsOf(one, withoutPlace),
    dataset: dataSetShown(dataset),
    testSet: testSet && dataSetShown(testSet),
    model,
    recipe,
    options,
    seed,
    promote,
    progress: progress && { at: progress.at, progress: progress.progress },
    result,
  };
}
