import { z } from '@hono/zod-openapi';
import type { Registry } from '../../core/registry/registry.ts';
import { noModel } from '../../core/registry/versions.ts';
import { versionNumber } from '../http/numbers.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';
import { notModified } from '../http/etag.ts';
import { aliasSchema, aliasOf } from './aliases.ts';

const modelSchema = z
  .object({
    model: z.string(),
    versions: z.array(z.int()).meta({ description: 'Ascending.' }),
    aliases: z.array(aliasSchema),
  })
  .openapi('Model');

const versionSchema = z
  .object({
    model: z.string(),
    version: z.int(),
    createdAt: z.string(),
    createdBy: z.string(),
    recipe: z.object({ name: z.string(), options: z.record(z.string(), z.unknown()) }),
    seed: z.int(),
    dataSet: z.object({ name: z.string(), pictures: z.int() }),
    testSet: z.object({ name: z.string(), pictures: z.int() }).nullable(),
    metrics: z.record(z.string(), z.unknown()),
    libraries: z.record(z.string(), z.string()),
    engine: z.record(z.string(), z.string()),
    parent: z.object({ model: z.string(), version: z.int() }).nullable(),
    job: z.string().nullable(),
    files: z.record(z.string(), z.object({ size: z.int(), sha256: z.string() })),
    checksum: z.string().meta({ description: "Of the version's manifest; the ETag." }),
  })
  .openapi('Version');

const list = route({
  method: 'get',
  path: '/models',
  scope: 'read',
  tag: 'models',
  summary: 'List the models',
  responses: { 200: answer('All of them.', z.object({ models: z.array(modelSchema) })), ...problems() },
});

const show = route({
  method: 'get',
  path: '/models/{model}',
  scope: 'read',
  tag: 'models',
  summary: 'Show a model with its versions and aliases',
  request: { params: z.object({ model: nameSchema }) },
  responses: { 200: answer('The model.', modelSchema), ...problems() },
});

const showVersion = route({
  method: 'get',
  path: '/models/{model}/versions/{version}',
  scope: 'read',
  tag: 'models',
  summary: 'Show a version, which never changes',
  request: {
    params: z.object({
      model: nameSchema,
      version: versionNumber,
    }),
  },
  responses: {
    200: answer('The version.', versionSchema),
    304: { description: 'As it is known already (If-None-Match).' },
    ...problems(),
  },
});

/** Models and their versions. */
export function modelRoutes(registry: Registry) {
  return router()
    .openapi(list, async (c) => {
      const models = await Promise.all((await registry.models()).map((name) => modelOf(registry, name)));
      return c.json({ models: models.flatMap((found) => found ?? []) }, 200);
    })
    .openapi(show, async (c) => {
      const { model } = c.req.valid('param');
      const found = await modelOf(registry, model);
      if (found === null) throw await noModel(registry.store, model);
      return c.json(found, 200);
    })
    .openapi(showVersion, async (c) => {
      const { model, version } = c.req.valid('param');
      const { dataSet, testSet, schemaVersion: _, ...manifest } = await registry.manifest(model, version);
      c.header('ETag', `"${manifest.checksum}"`);
      c.header('Cache-Control', 'no-cache');
      if (notModified(c, `"${manifest.checksum}"`)) return c.body(null, 304);
      return c.json({ ...manifest, dataSet: counted(dataSet), testSet: testSet && counted(testSet) }, 200);
    });
}

function counted({ name, pictures }: { name: string; pictures: readonly unknown[] }) {
  return { name, pictures: pictures.length };
}

async function modelOf(registry: Registry, model: string): Promise<z.infer<typeof modelSchema> | null> {
  const versions = await registry.versions(model);
  if (versions.length === 0) return null;
  return { model, versions, aliases: (await registry.aliases(model)).map(aliasOf) };
}
