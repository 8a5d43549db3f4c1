import { z } from '@hono/zod-openapi';
import { InvalidInputError } from '../../core/errors.ts';
import { importProgress } from '../../core/ingest/import/progress.ts';
import { MOST_PARTS } from '../../core/ingest/import/request.ts';
import type { ImportRequest } from '../../core/ingest/import/request.ts';
import { createImport, readImport } from '../../core/jobs/job.ts';
import type { ImportJob } from '../../core/jobs/job.ts';
import { plainText } from '../../core/jobs/plain-text.ts';
import { DEFAULT_ALIAS, checkName } from '../../core/registry/names.ts';
import type { Registry } from '../../core/registry/registry.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
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

const wantedSchema = z
  .strictObject({
    dataset: nameSchema.meta({ description: 'A data set in the registry; its classes are the folders.' }),
    model: nameSchema.meta({ description: 'The model whose gallery gets the pictures.' }),
    version: z.int().min(1).optional().meta({ description: 'Of the model; not together with alias.' }),
    alias: z
      .string()
      .max(63)
      .optional()
      .meta({ description: 'What names the version, as it is now.', default: DEFAULT_ALIAS }),
    parts: z.int().min(1).max(MOST_PARTS).meta({
      description: 'How many processes or containers may embed at once; at most one for each picture.',
    }),
  })
  .openapi('WantedImport');
type Wanted = z.infer<typeof wantedSchema>;

const { id, state, createdAt, startedAt, finishedAt, attempts, cancelRequested, waiting, error } = jobFields;
const importSchema = z
  .object({
    id,
    state,
    dataset: z.string(),
    model: z.string(),
    version: z.int(),
    parts: z.int(),
    createdAt,
    startedAt,
    finishedAt,
    attempts,
    cancelRequested,
    pictures: z
      .object({
        done: z.int(),
        total: z.int(),
        secondsLeft: z.number().nullable().meta({
          description: 'At the rate since embedding was begun or gone on with; null where nothing is known.',
        }),
      })
      .nullable()
      .meta({ description: 'How many are embedded; null before the data set was listed, and at the end.' }),
    waiting,
    result: z
      .object({
        model: z.string(),
        version: z.int(),
        segment: z.string().nullable().meta({ description: 'The change of the gallery, if there is one.' }),
        added: z.int(),
        unchanged: z.int().meta({
          description: 'Their class had them already, or somebody has said that they are of another one.',
        }),
        duplicates: z.int().meta({ description: 'The same picture in the same class of the data set.' }),
        left: z
          .object({
            count: z.int(),
            first: z.array(z.object({ key: z.string(), reason: z.string() })),
          })
          .meta({ description: 'Pictures that could not be used, and why the first ones.' }),
      })
      .nullable(),
    error,
  })
  .openapi('Import');
type Import = z.infer<typeof importSchema>;

const params = idParams('import');
const tag = 'imports';

const start = route({
  method: 'post',
  path: '/imports',
  scope: 'train',
  tag,
  summary: 'Embed a whole dataset into a gallery',
  description:
    'For datasets too large for one process: the dataset is listed once and embedded in parts, and all of it is added in one step at the end.',
  request: startRequest('import', 'WantedImport'),
  responses: accepted(importSchema, 413, 415),
});

const list = route({
  method: 'get',
  path: '/imports',
  scope: 'read',
  tag,
  summary: 'List imports, newest first',
  request: { query: listQuery },
  responses: { 200: answer('Imports.', z.object({ imports: z.array(importSchema) })), ...problems() },
});

const show = route({
  method: 'get',
  path: '/imports/{id}',
  scope: 'read',
  tag,
  summary: 'Show an import and its progress',
  request: { params },
  responses: { 200: answer('The import.', importSchema), ...problems() },
});

const events = route({
  method: 'get',
  path: '/imports/{id}/events',
  scope: 'read',
  tag,
  ...eventStream('import'),
});

const cancel = route({
  method: 'delete',
  path: '/imports/{id}',
  scope: 'train',
  tag,
  summary: 'Cancel an import; the gallery stays as it is',
  request: { params },
  responses: { 202: answer('It stops soon.', importSchema), ...problems(409) },
});

const resume = route({
  method: 'post',
  path: '/imports/{id}/resume',
  scope: 'train',
  tag,
  summary: 'Resume an import that failed or was cancelled',
  description:
    'Finished parts are kept, and the dataset is taken as it was listed. A queued or running import is left as it is.',
  request: { params },
  responses: accepted(importSchema),
});

/** Imports of datasets into galleries, as jobs. */
export function importRoutes(needs: JobNeeds) {
  const { registry, trainings, memory, withoutPlace } = needs;
  const { store } = registry;
  const jobs = new JobService(store, trainings, {
    plural: 'imports',
    read: readImport,
    isOne: (job): job is ImportJob => job.kind === 'import',
    create: createImport,
    shown: (one) => importOf(one, store, withoutPlace),
    // A repeated request is the same import, also when its alias has moved since.
    same: (wanted: Wanted) => wanted,
    request: (wanted) => requestOf(registry, wanted),
    check: (_, runner) => runner.checkImport(),
    authorizeResume: () => undefined,
  });
  const routes = router();
  routes.openAPIRegistry.register('WantedImport', wantedSchema);
  return routes
    .openapi(start, async (c) => {
      const wanted = await jsonBody(c.req.raw, wantedSchema, memory);
      const started = await jobs.start(c.req.valid('header')['idempotency-key'], wanted, c.var.scopes);
      c.header('Location', `/v1/imports/${started.id}`);
      return c.json(started, 202);
    })
    .openapi(list, async (c) => c.json({ imports: await jobs.list(c.req.valid('query').limit) }, 200))
    .openapi(show, async (c) => c.json(await jobs.show(c.req.valid('param').id), 200))
    .openapi(events, (c) => {
      const read = () => jobs.show(c.req.valid('param').id);
      const known = c.req.valid('header')['last-event-id'];
      return followJob(c, needs, { event: 'import', known, read });
    })
    .openapi(cancel, async (c) => c.json(await jobs.cancel(c.req.valid('param').id), 202))
    .openapi(resume, async (c) => {
      const resumed = await jobs.resume(c.req.valid('param').id, c.var.scopes);
      c.header('Location', `/v1/imports/${resumed.id}`);
      return c.json(resumed, 202);
    });
}

/** @throws NotFoundError when there is no such data set or version; InvalidInputError */
async function requestOf(
  registry: Registry,
  { dataset, model, version, alias, parts }: Wanted,
): Promise<ImportRequest> {
  if (version !== undefined && alias !== undefined) {
    throw new InvalidInputError('There is a version and an alias; name one of them.');
  }
  checkName(model, 'model');
  if (alias !== undefined) checkName(alias, 'alias');
  await requireDataSets(registry, [dataset]);
  const resolved = await registry.resolve(`${model}@${version ?? alias ?? DEFAULT_ALIAS}`);
  return {
    model,
    version: resolved.version,
    dataSet: dataset,
    parts: await usefulParts(registry, dataset, parts),
  };
}

/** A part without a picture would be a process, or a container, for nothing. */
async function usefulParts(registry: Registry, dataSet: string, parts: number): Promise<number> {
  let files = 0;
  for await (const _ of registry.store.list(registry.dataSetPrefix(dataSet))) if (++files === parts) break;
  return Math.max(1, files);
}

async function importOf(one: Seen<ImportJob>, store: ObjectStore, withoutPlace: TextFilter): Promise<Import> {
  const { job } = one;
  const { dataSet: dataset, model, version, parts } = job.request;
  const { result } = job;
  return {
    ...fieldsOf(one, withoutPlace),
    dataset: dataSetShown(dataset),
    model,
    version,
    parts,
    pictures: await importProgress(store, job),
    result: result && {
      ...result,
      left: {
        count: result.left.count,
        first: result.left.first.map(({ key, reason }) => ({
          key,
          reason: plainText(withoutPlace(reason)),
        })),
      },
    },
  };
}
