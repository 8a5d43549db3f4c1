/** Models, aliases and datasets as a whole, deleted for good. */
import { z } from '@hono/zod-openapi';
import { deleteDataset } from '../../core/jobs/delete-dataset.ts';
import { deleteModel } from '../../core/jobs/delete-model.ts';
import type { Registry } from '../../core/registry/registry.ts';
import type { WarmVersions } from '../versions/warm-versions.ts';
import { route } from '../http/route.ts';
import { nameSchema, problems, queryOf, router } from '../http/router.ts';

const force = z
  .enum(['true', 'false'])
  .optional()
  .meta({ description: 'Delete it also while it is in production.', default: 'false' });
const why = z.string().max(1000).optional().meta({ description: 'Kept in the tombstone.' });
const gone = { 204: { description: 'It is deleted.' }, ...problems(409) };

const model = route({
  method: 'delete',
  path: '/models/{model}',
  scope: 'admin',
  tag: 'models',
  summary: 'Delete a model with its versions, aliases, gallery and images',
  description:
    'Refused while its alias "production" points to a version, or while a job works on it, unless forced. It is gone from the start; repeating the request finishes a deletion that was interrupted. A new model of this name continues the version numbers.',
  request: { params: z.object({ model: nameSchema }), query: queryOf({ force, why }) },
  responses: gone,
});

const alias = route({
  method: 'delete',
  path: '/models/{model}/aliases/{alias}',
  scope: 'admin',
  tag: 'models',
  summary: 'Delete an alias with its history',
  description: 'The alias "production" is deleted only when forced.',
  request: {
    params: z.object({ model: nameSchema, alias: z.string().min(1).max(63).meta({ example: 'staging' }) }),
    query: queryOf({ force }),
  },
  responses: gone,
});

const dataset = route({
  method: 'delete',
  path: '/datasets/{dataset}',
  scope: 'admin',
  tag: 'data sets',
  summary: 'Delete a dataset with all its images',
  description:
    'Refused while a version in production was trained on it, or a job uses it, unless forced. Galleries keep their images, and follow no later dataset of this name.',
  request: { params: z.object({ dataset: nameSchema }), query: queryOf({ force, why }) },
  responses: gone,
});

export function deletionRoutes({
  registry,
  versions,
}: {
  readonly registry: Registry;
  readonly versions: WarmVersions;
}) {
  return router()
    .openapi(model, async (c) => {
      const { model: name } = c.req.valid('param');
      const { force: forced, why: reason = '' } = c.req.valid('query');
      const author = { by: c.var.by, why: reason };
      try {
        await deleteModel(registry, name, author, { force: forced === 'true' });
      } finally {
        // Also when it was interrupted: the model is gone then.
        await versions.forgetMissing(name);
      }
      return c.body(null, 204);
    })
    .openapi(alias, async (c) => {
      const { model: name, alias: of } = c.req.valid('param');
      await registry.deleteAlias(name, of, { force: c.req.valid('query').force === 'true' });
      await versions.forgetMissing(name);
      return c.body(null, 204);
    })
    .openapi(dataset, async (c) => {
      const { dataset: name } = c.req.valid('param');
      const { force: forced, why: reason = '' } = c.req.valid('query');
      await deleteDataset(registry, name, { by: c.var.by, why: reason }, { force: forced === 'true' });
      return c.body(null, 204);
    });
}
