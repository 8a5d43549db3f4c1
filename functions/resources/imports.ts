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
import type { Deps } from '../deps.ts';
import { nameSchema } from '../http/router.ts';
import type { Seen } from '../trainings/trainings.ts';
import { jobRoutes } from './job-routes.ts';
import { dataSetShown, fieldsOf, jobFields, requireDataSets } from './jobs.ts';

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

/** Data sets that are embedded into galleries, as jobs. */
export function importRoutes(deps: Deps) {
  const { registry } = deps;
  return jobRoutes(deps, {
    noun: 'import',
    path: 'imports',
    answer: importSchema,
    wanted: wantedSchema,
    wantedName: 'WantedImport',
    says: {
      start: {
        summary: 'Have a whole data set embedded into a gallery',
        description:
          'For sets that are too large for one process: the data set is listed once and embedded in parts, and all of it is added in one step at the end.',
      },
      cancel: 'Ask an import to stop; the gallery stays as it is',
      resume: 'What was embedded is kept, and the data set is as it was listed.',
    },
    read: readImport,
    isOne: (job): job is ImportJob => job.kind === 'import',
    create: createImport,
    shown: (one) => importOf(deps, one),
    // What an alias points to may have changed since it was asked first: it is the same import all the same.
    asked: (wanted) => wanted,
    request: (wanted) => requestOf(registry, wanted),
    check: (_, trainings) => trainings.checkImport(),
    mayResume: () => undefined,
  });
}

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
  return { ...resolved, dataSet: dataset, parts: await usefulParts(registry, dataset, parts), keepPictures };
}

/** A part without a picture would be a process, or a container, for nothing. */
async function usefulParts(registry: Registry, dataSet: string, parts: number): Promise<number> {
  let files = 0;
  for await (const _ of registry.store.list(registry.dataSetPrefix(dataSet))) if (++files === parts) break;
  return Math.max(1, files);
}

async function importOf(deps: Deps, one: Seen<ImportJob>): Promise<Import> {
  const { job } = one;
  const { dataSet: dataset, model, version, parts, keepPictures } = job.request;
  const { result } = job;
  return {
    ...fieldsOf(deps, one),
    dataset: dataSetShown(dataset),
    model,
    version,
    parts,
    keepPictures,
    pictures: await importProgress(deps.registry.store, job),
    result: result && {
      ...result,
      left: {
        count: result.left.count,
        first: result.left.first.map(({ key, reason }) => ({
          key,
          reason: plainText(deps.withoutPlace(reason)),
        })),
      },
    },
  };
}
