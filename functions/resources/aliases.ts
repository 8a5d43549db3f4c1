import { z } from '@hono/zod-openapi';
import {
  CancelledError,
  ConflictError,
  NothingBeforeError,
  InvalidInputError,
  NotFoundError,
} from '../../core/errors.ts';
import type { Alias } from '../../core/registry/aliases.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { RequestError } from '../errors.ts';
import { jsonBody } from '../http/body.ts';
import { matches, notModified } from '../http/etag.ts';
import type { Memory } from '../http/memory.ts';
import type { TextFilter } from '../http/places.ts';
import { problemOf, problemSchema } from '../http/problems.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';
import type { Ending, Move, Moves } from '../promotions/moves.ts';

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
    version: z.int().min(1).optional().meta({ description: 'Where it goes; not together with rollback.' }),
    rollback: z.literal(true).optional().meta({ description: 'Back to the version that was live before.' }),
    why: z.string().max(1000).optional().meta({ description: 'Kept in the history.' }),
    force: z.boolean().optional().meta({
      description: 'Also when the version is worse, or cannot embed images of the gallery.',
      default: false,
    }),
  })
  .openapi('MoveAlias');

const movedSchema = aliasSchema
  .extend({
    notes: z.array(z.string()).meta({ description: 'What was embedded and compared, in words.' }),
  })
  .openapi('MovedAlias');

const moveStateSchema = z
  .object({
    id: z.string(),
    state: z.enum(['running', 'moved', 'refused', 'failed']),
    progress: z.object({ phase: z.string(), done: z.int(), total: z.int() }).nullable(),
    notes: z.array(z.string()),
    problem: problemSchema.nullable().meta({ description: 'Why it was refused, or failed.' }),
  })
  .openapi('AliasMove');

const params = z.object({
  model: nameSchema,
  alias: z.string().min(1).max(63).meta({ example: 'production' }),
});

const show = route({
  method: 'get',
  path: '/models/{model}/aliases/{alias}',
  scope: 'read',
  tag: 'models',
  summary: 'Show an alias and its moves; its ETag is what moving it needs',
  request: { params },
  responses: {
    200: answer('The alias.', aliasSchema),
    304: { description: 'As it is known already (If-None-Match).' },
    ...problems(),
  },
});

const move = route({
  method: 'put',
  path: '/models/{model}/aliases/{alias}',
  scope: 'admin',
  tag: 'models',
  summary: 'Point an alias to a version, if nobody moved it since it was read',
  description:
    'If-Match is the ETag that GET gave, or If-None-Match: * for an alias that is not there yet. Images of the gallery that the version has not embedded yet are embedded first, and for "production" the versions are compared: a version that is worse is refused. A move that takes long continues in the background, and is answered with 202.',
  request: {
    params,
    headers: z.object({ 'if-match': z.string().optional(), 'if-none-match': z.string().optional() }),
    body: {
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/MoveAlias' } } },
    },
  },
  responses: {
    200: answer('The alias as it is now.', movedSchema),
    202: answer('It takes longer; Location says where to ask after it.', moveStateSchema),
    ...problems(409, 412, 413, 415, 428),
  },
});

const after = route({
  method: 'get',
  path: '/models/{model}/aliases/{alias}/moves/{move}',
  scope: 'read',
  tag: 'models',
  summary: 'How far a move of the alias is that takes long',
  request: { params: params.extend({ move: z.string().max(64) }) },
  responses: {
    200: answer('The move; a server remembers its last hundred.', moveStateSchema),
    ...problems(),
  },
});

interface AliasNeeds {
  readonly registry: Registry;
  readonly memory: Memory;
  readonly moves: Moves;
  readonly withoutPlace: TextFilter;
}

/** Which version serves under a name. */
export function aliasRoutes({ registry, memory, moves, withoutPlace }: AliasNeeds) {
  const routes = router();
  routes.openAPIRegistry.register('MoveAlias', moveSchema);
  return routes
    .openapi(show, async (c) => {
      const { model, alias } = c.req.valid('param');
      const found = await registry.alias(model, alias);
      if (found === null) throw await missing(registry, model, alias);
      c.header('ETag', etagOf(found));
      c.header('Cache-Control', 'no-cache');
      return notModified(c, etagOf(found)) ? c.body(null, 304) : c.json(aliasOf(found), 200);
    })
    .openapi(move, async (c) => {
      const { model, alias } = c.req.valid('param');
      const condition = c.req.valid('header');
      const asked = await jsonBody(c.req.raw, moveSchema, memory);
      const version = targetOf(asked);
      const expected = await expectedOf(registry, model, alias, {
        ifMatch: condition['if-match'],
        ifNoneMatch: condition['if-none-match'],
      });
      // A version that does not exist is reported now, not by the move.
      if (version !== null) await registry.manifest(model, version);
      const { force = false, why = '' } = asked;
      const request = { model, alias, version, expected, force, by: c.var.by, why };
      const { move: started, ending } = await moves.within(request);
      if (ending === null) {
        c.header('Location', `/v1/models/${model}/aliases/${alias}/moves/${started.id}`);
        return c.json(stateOf(started, c.var.requestId, withoutPlace), 202);
      }
      if (ending.state !== 'moved') throw problemFor(started, ending);
      const now = await registry.alias(model, alias);
      if (now === null) throw await missing(registry, model, alias);
      c.header('ETag', etagOf(now));
      return c.json({ ...aliasOf(now), notes: [...ending.notes] }, 200);
    })
    .openapi(after, (c) => {
      const { move: id, ...of } = c.req.valid('param');
      return c.json(stateOf(moves.find(id, of), c.var.requestId, withoutPlace), 200);
    });
}

/** Null: back. @throws InvalidInputError */
function targetOf({ version, rollback }: z.infer<typeof moveSchema>): number | null {
  if ((version === undefined) === (rollback === undefined)) {
    throw new InvalidInputError('Give either a version, or "rollback": true.');
  }
  return version ?? null;
}

function stateOf(
  { id, progress, ending, request }: Move,
  instance: string,
  withoutPlace: TextFilter,
): z.infer<typeof moveStateSchema> {
  const isOver = ending !== null && ending.state !== 'moved';
  return {
    id,
    state: ending?.state ?? 'running',
    progress,
    notes: ending?.state === 'moved' ? [...ending.notes] : [],
    problem: isOver ? problemOf(problemFor({ request }, ending), instance, withoutPlace) : null,
  };
}

function problemFor({ request }: Pick<Move, 'request'>, ending: Ending): unknown {
  if (ending.state === 'refused') {
    return new RequestError(
      409,
      'conflict',
      `The alias stays where it is; version ${request.version}: ${ending.reason}. "force": true moves it all the same.`,
    );
  }
  const error = ending.state === 'failed' ? ending.error : null;
  if (error instanceof ConflictError && !(error instanceof NothingBeforeError))
    return stale(error.message, error);
  if (error instanceof CancelledError) {
    return new RequestError(503, 'busy', 'The move was stopped; request it again to resume it.', {
      headers: { 'Retry-After': '1' },
      cause: error,
    });
  }
  return error;
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

/** The version that the alias has to be at for the move to happen. @throws RequestError (precondition-required, precondition-failed) */
async function expectedOf(
  registry: Registry,
  model: string,
  alias: string,
  { ifMatch, ifNoneMatch }: Condition,
): Promise<number | null> {
  const isNew = ifMatch === undefined && ifNoneMatch?.trim() === '*';
  if (ifMatch === undefined && !isNew) {
    throw new RequestError(
      428,
      'precondition-required',
      `Moving an alias needs If-Match with the ETag of GET /v1/models/${encodeURIComponent(model)}/aliases/` +
        `${encodeURIComponent(alias)}, or If-None-Match: * when it is not there yet.`,
    );
  }
  const now = await registry.alias(model, alias);
  if (now === null && isNew) return null;
  if (now !== null && ifMatch !== undefined && matches(ifMatch, etagOf(now))) return now.version;
  throw stale(
    now === null ? `There is no alias ${alias}.` : `It is at version ${now.version} (ETag ${etagOf(now)}).`,
  );
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

async function missing(registry: Registry, model: string, alias: string): Promise<NotFoundError> {
  const others = (await registry.aliases(model)).map((each) => each.alias);
  const hint = others.length === 0 ? 'It has none.' : `It has ${others.join(', ')}.`;
  return new NotFoundError(
    `The model ${JSON.stringify(model)} has no alias ${JSON.stringify(alias)}. ${hint}`,
  );
}
