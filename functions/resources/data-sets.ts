import { z } from '@hono/zod-openapi';
import { noDataset, readDatasetTombstone } from '../../core/registry/dataset-deletion.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { goneAway } from '../errors.ts';
import { signalOf } from '../http/deadline.ts';
import { pageLimit } from '../http/numbers.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, queryOf, router } from '../http/router.ts';

const list = route({
  method: 'get',
  path: '/datasets',
  scope: 'read',
  tag: 'data sets',
  summary: 'List the data sets',
  responses: {
    200: answer('All of them.', z.object({ dataSets: z.array(z.object({ dataSet: z.string() })) })),
    ...problems(),
  },
});

const dataSetSchema = z
  .object({
    dataSet: z.string(),
    pictures: z.int(),
    bytes: z.int(),
    classes: z.array(z.object({ class: z.string(), pictures: z.int() })),
    images: z.array(z.object({ key: z.string(), class: z.string(), file: z.string(), bytes: z.int() })).meta({
      description: 'Some of them, by key; `next` leads to more.',
    }),
    next: z.string().nullable().meta({ description: 'Give it as `after` for the images that follow.' }),
  })
  .openapi('DataSet');

const show = route({
  method: 'get',
  path: '/datasets/{dataset}',
  scope: 'read',
  tag: 'data sets',
  summary: 'Show the classes and pictures of a data set',
  request: {
    params: z.object({ dataset: nameSchema }),
    query: queryOf({
      after: z.string().max(1024).optional().meta({ description: 'Show the images after this key.' }),
      limit: pageLimit.meta({ description: 'How many images.' }),
    }),
  },
  responses: { 200: answer('The data set.', dataSetSchema), ...problems() },
});

/** Pictures by class. */
export function dataSetRoutes(registry: Registry) {
  return router()
    .openapi(list, async (c) => {
      const names = await registry.dataSets();
      return c.json({ dataSets: names.map((dataSet) => ({ dataSet })) }, 200);
    })
    .openapi(show, async (c) => {
      const { dataset } = c.req.valid('param');
      const { after = '', limit } = c.req.valid('query');
      const page = { after, limit };
      return c.json(await contentOf(registry, dataset, page, signalOf(c.req.raw)), 200);
    });
}

async function contentOf(
  registry: Registry,
  dataSet: string,
  { after, limit }: { readonly after: string; readonly limit: number },
  signal: AbortSignal,
): Promise<z.infer<typeof dataSetSchema>> {
  const prefix = registry.dataSetPrefix(dataSet);
  const classes = new Map<string, number>();
  const images: z.infer<typeof dataSetSchema>['images'] = [];
  let [pictures, bytes, more] = [0, 0, false];
  for await (const { key, size, problem } of registry.store.list(prefix)) {
    // A large one takes long, and may be asked for by many who go away.
    if (signal.aborted) throw goneAway();
    const [className = '', file, ...rest] = key.slice(prefix.length).split('/');
    if (problem || file === undefined || rest.length > 0) continue;
    pictures++;
    bytes += size;
    classes.set(className, (classes.get(className) ?? 0) + 1);
    if (key <= after) continue;
    if (images.length < limit) images.push({ key, class: className, file, bytes: size });
    else more = true;
  }
  const isBeingDeleted = (await readDatasetTombstone(registry.store, dataSet))?.value.state === 'deleting';
  if (pictures === 0 || isBeingDeleted) throw await noDataset(registry.store, dataSet);
  const counted = [...classes].map(([name, count]) => ({ class: name, pictures: count }));
  return {
    dataSet,
    pictures,
    bytes,
    classes: counted,
    images,
    next: more ? (images.at(-1)?.key ?? null) : null,
  };
}
