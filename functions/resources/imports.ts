import { createRoute, z } from '@hono/zod-openapi';
import { InvalidInputError } from '../../core/errors.ts';
import { importProgress } from '../../core/jobs/import/progress.ts';
import { MOST_PARTS } from '../../core/jobs/import/request.ts';
import type { ImportRequest } from '../../core/jobs/import/request.ts';
import { createImport, readImport } from '../../core/jobs/job.ts';
import type { ImportJob, Job } from '../../core/jobs/job.ts';
import { createJobOnce, jobOfKey } from '../../core/jobs/once.ts';
import { DEFAULT_ALIAS, checkName } from '../../core/registry/names.ts';
import type { Registry } from '../../core/registry/registry.ts';
import type { Deps } from '../deps.ts';
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
    parts: z
      .int()
      .min(1)
      .max(MOST_PARTS)
      .meta({ description: 'How many processes or containers may embed at once.' }),
    keepPictures: z
      .boolean()
      .default(true)
      .meta({ description: 'Whether a new version can take the pictures over.' }),
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
    keepPictures: z.boolean(),
    createdAt,
    startedAt,
    finishedAt,
    attempts,
    cancelRequested,
    pictures: z
      .object({ done: z.int(), total: z.int() })
      .nullable()
      .meta({ description: 'How many are embedded; null before the data set was listed, and at the end.' }),
    waiting,
    result: z
      .object({
        model: z.string(),
        version: z.int(),
        segment: z.string().nullable().meta({ description: 'The change of the gallery, if there is one.' }),
        added: z.int(),
        unchanged: z.int().meta({ description: 'Their class had them already.' }),
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

const tags = ['imports'];
const params = idParams('import');

const start = createRoute({
  method: 'post',
  path: '/imports',
  tags,
  summary: 'Have a whole data set embedded into a gallery',
  description:
    'For sets that are too large for one process: the data set is listed once and embedded in parts, and all of it is added in one step at the end.',
  request: {
    headers: keyHeaders('import'),
    body: {
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/WantedImport' } } },
    },
  },
  responses: {
    202: answer('It waits, or runs; Location says where to look.', importSchema),
    ...problems(409, 413, 415, 501),
  },
});

const list = createRoute({
  method: 'get',
  path: '/imports',
  tags,
  summary: 'List the imports, newest first',
  request: { query: listQuery },
  responses: { 200: answer('Imports.', z.object({ imports: z.array(importSchema) })), ...problems() },
});

const show = createRoute({
  method: 'get',
  path: '/imports/{id}',
  tags,
  summary: 'Show an import, and how far it is',
  request: { params },
  responses: { 200: answer('The import.', importSchema), ...problems() },
});

const events = createRoute({
  method: 'get',
  path: '/imports/{id}/events',
  tags,
  summary: 'Follow an import, as server-sent events',
  description:
    'Each event "import" is the whole import as GET shows it, sent when it has changed; the last one has a state that is final, and ends the stream. With Last-Event-ID nothing is sent that is known already.',
  request: { params, headers: eventHeaders },
  responses: {
    200: { description: 'Events.', content: { 'text/event-stream': { schema: z.string() } } },
    ...problems(),
  },
});

const cancel = createRoute({
  method: 'delete',
  path: '/imports/{id}',
  tags,
  summary: 'Ask an import to stop; the gallery stays as it is',
  request: { params },
  responses: { 202: answer('It stops soon.', importSchema), ...problems(409) },
});

/** Data sets that are embedded into galleries, as jobs. */
export function importRoutes(deps: Deps) {
  const { store } = deps.registry;
  const routes = router();
  routes.openAPIRegistry.register('WantedImport', wantedSchema);
  return routes
    .openapi(start, async (c) => {
      const key = c.req.valid('header')['idempotency-key'];
      const wanted = await jsonBody(c.req.raw, wantedSchema, deps.memory);
      const request = await requestOf(deps.registry, wanted);
      const trainings = requiredTrainings(deps, 'imports');
      // Asked again it is the same import, also where there would be no room for another one.
      if ((await jobOfKey(store, key, wanted)) === null) {
        await trainings.checkImport();
        await trainings.room();
      }
      // What an alias points to may have changed since it was asked first: it is the same import all the same.
      const job = await createJobOnce(store, key, request, createImport, { via: 'http', asked: wanted });
      if (job.state === 'queued') await trainings.offer(job.id);
      c.header('Location', `/v1/imports/${job.id}`);
      return c.json(await shownOne(deps, job), 202);
    })
    .openapi(list, async (c) => {
      const jobs = await newestJobs(deps, c.req.valid('query').limit, isImport);
      return c.json({ imports: await shown(deps, jobs) }, 200);
    })
    .openapi(show, async (c) =>
      c.json(await shownOne(deps, await readImport(store, c.req.valid('param').id)), 200),
    )
    .openapi(events, async (c) => {
      const { id: job } = c.req.valid('param');
      const read = async () => shownOne(deps, await readImport(store, job));
      await read();
      return followJob(c, deps, 'import', c.req.valid('header')['last-event-id'], read);
    })
    .openapi(cancel, async (c) => {
      const { id: job } = c.req.valid('param');
      await readImport(store, job);
      await cancelJob(deps, job);
      return c.json(await shownOne(deps, await readImport(store, job)), 202);
    });
}

const isImport = (job: Job): job is ImportJob => job.kind === 'import';

/** @throws NotFoundError when there is no such data set or version; InvalidInputError */
async function requestOf(
  registry: Registry,
  { dataset, model, version, alias, parts, keepPictures }: Wanted,
): Promise<ImportRequest> {
  if (version !== undefined && alias !== undefined) {
    throw new InvalidInputError('There is a version and an alias; name one of them.');
  }
  checkName(model, 'model');
  if (alias !== undefined) checkName(alias, 'alias');
  await requireDataSets(registry, [dataset]);
  const resolved = await registry.resolve(`${model}@${version ?? alias ?? DEFAULT_ALIAS}`);
  return { ...resolved, dataSet: dataset, parts, keepPictures };
}

async function shownOne(deps: Deps, job: ImportJob): Promise<Import> {
  const [one] = await shown(deps, [job]);
  return one as Import;
}

async function shown(deps: Deps, jobs: readonly ImportJob[]): Promise<Import[]> {
  return Promise.all((await seen(deps, jobs)).map((one) => importOf(deps, one)));
}

async function importOf(deps: Deps, one: Seen<ImportJob>): Promise<Import> {
  const { job } = one;
  const { dataSet: dataset, model, version, parts, keepPictures } = job.request;
  const { result } = job;
  return {
    ...fieldsOf(deps, one),
    dataset,
    model,
    version,
    parts,
    keepPictures,
    pictures: await importProgress(deps.registry.store, job),
    result: result && {
      ...result,
      left: {
        count: result.left.count,
        first: result.left.first.map(({ key, reason }) => ({ key, reason: deps.withoutPlace(reason) })),
      },
    },
  };
}
