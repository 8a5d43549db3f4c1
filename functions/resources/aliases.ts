import { createRoute, z } from '@hono/zod-openapi';
import { ConflictError, NotFoundError } from '../../core/errors.ts';
import type { Alias } from '../../core/registry/aliases.ts';
import { RequestError } from '../errors.ts';
import type { Deps } from '../deps.ts';
import { jsonBody } from '../http/body.ts';
import { matches, notModified } from '../http/etag.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';

export const aliasSchema = z
  .object({
    alias: z.string(),
    version: z.int(),
    revision: z.int(),
    history: z.array(
      z.object({
        version: z.int(),
        from: z.int().nullable(),
        at: z.string(),
        by: z.string(),
        why: z.string(),
        rollback: z.literal(true).optional(),
      }),
    ),
  })
  .openapi('Alias');

const moveSchema = z
  .strictObject({
    version: z.int().min(1),
    why: z.string().max(1000).optional().meta({ description: 'Kept in the history.' }),
  })
  .openapi('MoveAlias');

const params = z.object({
  model: nameSchema,
  alias: z.string().min(1).max(63).meta({ example: 'production' }),
});

const show = createRoute({
  method: 'get',
  path: '/models/{model}/aliases/{alias}',
  tags: ['models'],
  summary: 'Show an alias and its moves; its ETag is what moving it needs',
  request: { params },
  responses: {
    200: answer('The alias.', aliasSchema),
    304: { description: 'As it is known already (If-None-Match).' },
    ...problems(),
  },
});

const move = createRoute({
  method: 'put',
  path: '/models/{model}/aliases/{alias}',
  tags: ['models'],
  summary: 'Point an alias to a version, if nobody moved it since it was read',
  description:
    'If-Match is the ETag that GET gave, or If-None-Match: * for an alias that is not there yet. Additions to the gallery of the version before are not carried over; "kindred models promote" does that.',
  request: {
    params,
    headers: z.object({ 'if-match': z.string().optional(), 'if-none-match': z.string().optional() }),
    body: {
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/MoveAlias' } } },
    },
  },
  responses: { 200: answer('The alias as it is now.', aliasSchema), ...problems(409, 412, 413, 415, 428) },
});

/** Which version answers under a name. */
export function aliasRoutes(deps: Deps) {
  const { registry, memory, versions } = deps;
  const routes = router();
  routes.openAPIRegistry.register('MoveAlias', moveSchema);
  return routes
    .openapi(show, async (c) => {
      const { model, alias } = c.req.valid('param');
      const found = await registry.alias(model, alias);
      if (found === null) throw await missing(deps, model, alias);
      c.header('ETag', etagOf(found));
      c.header('Cache-Control', 'no-cache');
      return notModified(c, etagOf(found)) ? c.body(null, 304) : c.json(aliasOf(found), 200);
    })
    .openapi(move, async (c) => {
      const { model, alias } = c.req.valid('param');
      const condition = c.req.valid('header');
      const { version, why = '' } = await jsonBody(c.req.raw, moveSchema, memory);
      const expected = await expectedOf(deps, model, alias, {
        ifMatch: condition['if-match'],
        ifNoneMatch: condition['if-none-match'],
      });
      const moved = await moveIf(deps, model, alias, version, { by: c.var.by, why, expected });
      await versions.refresh(model, alias).catch((error: unknown) => deps.trouble(error));
      c.header('ETag', etagOf(moved));
      return c.json(aliasOf(moved), 200);
    });
}

/** An alias as it is answered. */
export function aliasOf({ alias, version, revision, history }: Alias): z.infer<typeof aliasSchema> {
  return { alias, version, revision, history: history.map((entry) => ({ ...entry })) };
}

function etagOf({ revision, version }: Alias): string {
  return `"${revision}-${version}"`;
}

interface Condition {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

type Expected = { readonly revision: number } | null;

/** What the alias has to be for the move to happen. @throws RequestError (precondition-required, precondition-failed) */
async function expectedOf(
  { registry }: Deps,
  model: string,
  alias: string,
  { ifMatch, ifNoneMatch }: Condition,
): Promise<Expected> {
  if (ifMatch === undefined && ifNoneMatch?.trim() === '*') return null;
  if (ifMatch === undefined) {
    throw new RequestError(
      428,
      'precondition-required',
      `Moving an alias needs If-Match with the ETag of GET /v1/models/${encodeURIComponent(model)}/aliases/` +
        `${encodeURIComponent(alias)}, or If-None-Match: * when it is not there yet.`,
    );
  }
  const now = await registry.alias(model, alias);
  if (now !== null && matches(ifMatch, etagOf(now))) return { revision: now.revision };
  throw stale(
    now === null ? `There is no alias ${alias}.` : `It is at version ${now.version} (ETag ${etagOf(now)}).`,
  );
}

async function moveIf(
  { registry }: Deps,
  model: string,
  alias: string,
  version: number,
  options: { readonly by: string; readonly why: string; readonly expected: Expected },
): Promise<Alias> {
  try {
    return await registry.move(model, alias, version, options);
  } catch (error) {
    if (error instanceof ConflictError) throw stale(error.message, error);
    throw error;
  }
}

function stale(message: string, cause?: unknown): RequestError {
  return new RequestError(
    412,
    'precondition-failed',
    `${message} Nothing was moved; read it again and decide anew.`,
    {
      cause,
    },
  );
}

async function missing({ registry }: Deps, model: string, alias: string): Promise<NotFoundError> {
  const others = (await registry.aliases(model)).map((each) => each.alias);
  const hint = others.length === 0 ? 'It has none.' : `It has ${others.join(', ')}.`;
  return new NotFoundError(
    `The model ${JSON.stringify(model)} has no alias ${JSON.stringify(alias)}. ${hint}`,
  );
}
