import { z } from '@hono/zod-openapi';
import { createJob, readProgress, readTraining } from '../../core/jobs/job.ts';
import type { TrainingJob, TrainingRequest } from '../../core/jobs/job.ts';
import { checkName } from '../../core/registry/names.ts';
import type { Scope } from '../../core/registry/tokens.ts';
import type { Deps } from '../deps.ts';
import { RequestError } from '../errors.ts';
import { nameSchema } from '../http/router.ts';
import type { Seen } from '../trainings/trainings.ts';
import { jobRoutes } from './job-routes.ts';
import { dataSetShown, fieldsOf, jobFields, requireDataSets } from './jobs.ts';

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

/** Trainings as jobs. */
export function trainingRoutes(deps: Deps) {
  return jobRoutes(deps, {
    noun: 'training',
    path: 'trainings',
    answer: trainingSchema,
    wanted: wantedSchema,
    wantedName: 'WantedTraining',
    says: {
      start: { summary: 'Have a model trained' },
      cancel: 'Ask a training to stop; it keeps a checkpoint',
      resume: 'It goes on from its last checkpoint.',
    },
    read: readTraining,
    isOne: (job): job is TrainingJob => job.kind === undefined,
    create: createJob,
    shown: (one) => trainingOf(deps, one),
    asked: (wanted, scopes) => {
      requireRightToForce(wanted, scopes);
      return requestOf(wanted);
    },
    request: async (wanted) => {
      const request = requestOf(wanted);
      const { dataSet, testSet } = request;
      await requireDataSets(deps.registry, testSet === null ? [dataSet] : [dataSet, testSet]);
      checkName(request.model, 'model');
      return request;
    },
    check: (request, trainings) => trainings.check(request),
    mayResume: ({ request }, scopes) => requireRightToForce(request, scopes),
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

function requestOf(wanted: z.infer<typeof wantedSchema>): TrainingRequest {
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

async function trainingOf(deps: Deps, one: Seen<TrainingJob>): Promise<Training> {
  const { request, result } = one.job;
  const progress = one.job.state === 'running' ? await readProgress(deps.registry.store, one.job.id) : null;
  const { dataSet: dataset, testSet, model, recipe, options, seed, promote } = request;
  return {
    ...fieldsOf(deps, one),
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
