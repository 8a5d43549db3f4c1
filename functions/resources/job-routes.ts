/**
 * Jobs of one kind as a resource: started, listed, shown, followed, cancelled and gone on with. What a kind is asked for, and what it answers,
 * is its own file's to say.
 */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { isOpen } from '../../core/jobs/job.ts';
import type { Job, JobKind, NewJob } from '../../core/jobs/job.ts';
import { createJobOnce, jobOfKey } from '../../core/jobs/once.ts';
import { resumeJob } from '../../core/jobs/resume.ts';
import type { Scope } from '../../core/registry/tokens.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import type { Deps } from '../deps.ts';
import { jsonBody } from '../http/body.ts';
import { answer, problems, router } from '../http/router.ts';
import type { Env } from '../http/router.ts';
import type { Seen, Trainings } from '../trainings/trainings.ts';
import {
  cancelJob,
  eventHeaders,
  followJob,
  idParams,
  keyHeaders,
  listQuery,
  newestJobs,
  requiredTrainings,
  shownAll,
} from './jobs.ts';

/** The jobs of a kind, and what of them goes over HTTP. */
export interface JobResource<J extends Job, P extends string, A extends z.ZodType, W extends z.ZodType> {
  readonly noun: JobKind;
  /** Below /v1, and the name of the list. */
  readonly path: P;
  /** Of an answer, and of what is asked for; each with the name that it has in the description. */
  readonly answer: A;
  readonly wanted: W;
  readonly wantedName: string;
  /** What they are for, in the description. */
  readonly says: {
    readonly start: { readonly summary: string; readonly description?: string };
    readonly cancel: string;
    readonly resume: string;
  };

  /** @throws NotFoundError, also when it is another kind of job */
  readonly read: (store: ObjectStore, id: string) => Promise<J>;
  readonly isOne: (job: Job) => job is J;
  readonly create: (store: ObjectStore, request: J['request'], given: NewJob) => Promise<J>;
  readonly shown: (one: Seen<J>) => Promise<z.infer<A>>;

  /**
   * What has to be the same when it is asked for again with the same key.
   * @throws RequestError when whoever asks may not have it; InvalidInputError
   */
  readonly asked: (wanted: z.infer<W>, scopes: readonly Scope[] | undefined) => unknown;
  /** The request of a new job. @throws NotFoundError when there is not what it is about */
  readonly request: (wanted: z.infer<W>) => Promise<J['request']>;
  /** @throws when what is asked for could not end well where jobs run */
  readonly check: (request: J['request'], trainings: Trainings) => Promise<void>;
  /** @throws RequestError when whoever asks may not have it gone on with */
  readonly mayResume: (job: J, scopes: readonly Scope[] | undefined) => void;
}

/** @returns the descriptions of all routes of the kind */
function described<J extends Job, P extends string, A extends z.ZodType, W extends z.ZodType>({
  noun,
  path,
  answer: schema,
  wantedName,
  says,
}: JobResource<J, P, A, W>) {
  const tags = [path];
  const params = idParams(noun);
  const one = noun.startsWith('i') ? `an ${noun}` : `a ${noun}`;
  const One = `The ${noun}.`;
  const all = `${path.charAt(0).toUpperCase()}${path.slice(1)}.`;
  const plural = path as `${P}`;
  return {
    start: createRoute({
      method: 'post',
      path: `/${plural}` as const,
      tags,
      ...says.start,
      request: {
        headers: keyHeaders(noun),
        body: {
          required: true,
          content: { 'application/json': { schema: { $ref: `#/components/schemas/${wantedName}` } } },
        },
      },
      responses: {
        202: answer('It waits, or runs; Location says where to look.', schema),
        ...problems(409, 413, 415, 501),
      },
    }),
    list: createRoute({
      method: 'get',
      path: `/${plural}` as const,
      tags,
      summary: `List the ${path}, newest first`,
      request: { query: listQuery },
      responses: {
        200: answer(all, z.object({ [path]: z.array(schema) } as { [K in P]: z.ZodArray<A> })),
        ...problems(),
      },
    }),
    show: createRoute({
      method: 'get',
      path: `/${plural}/{id}` as const,
      tags,
      summary: `Show ${one}, and how far it is`,
      request: { params },
      responses: { 200: answer(One, schema), ...problems() },
    }),
    events: createRoute({
      method: 'get',
      path: `/${plural}/{id}/events` as const,
      tags,
      summary: `Follow ${one}, as server-sent events`,
      description:
        `Each event "${noun}" is the whole ${noun} as GET shows it, sent when it has changed; the last one has a state that is final, ` +
        'and ends the stream. With Last-Event-ID nothing is sent that is known already.',
      request: { params, headers: eventHeaders },
      responses: {
        200: { description: 'Events.', content: { 'text/event-stream': { schema: z.string() } } },
        ...problems(),
      },
    }),
    cancel: createRoute({
      method: 'delete',
      path: `/${plural}/{id}` as const,
      tags,
      summary: says.cancel,
      request: { params },
      responses: { 202: answer('It stops soon.', schema), ...problems(409) },
    }),
    resume: createRoute({
      method: 'post',
      path: `/${plural}/{id}/resume` as const,
      tags,
      summary: `Go on with ${one} that has failed or was cancelled`,
      description: `${says.resume} One that waits or runs is left as it is.`,
      request: { params },
      responses: {
        202: answer('It waits, or runs; Location says where to look.', schema),
        ...problems(409, 501),
      },
    }),
  };
}

/** The routes of a kind of jobs. */
export function jobRoutes<J extends Job, P extends string, A extends z.ZodType, W extends z.ZodType>(
  deps: Deps,
  kind: JobResource<J, P, A, W>,
) {
  const { store } = deps.registry;
  const { noun, path } = kind;
  const shown = async (job: J): Promise<z.infer<A>> => {
    const [one] = await shownAll(deps, [job], kind.shown);
    return one as z.infer<A>;
  };
  const accepted = async (c: Context<Env>, job: J): Promise<Response> => {
    c.header('Location', `/v1/${path}/${job.id}`);
    return c.json(await shown(job), 202);
  };
  const handlers = {
    start: async (c: Context<Env>): Promise<Response> => {
      const key = sent(c, 'header')['idempotency-key'];
      const wanted = (await jsonBody(c.req.raw, kind.wanted, deps.memory)) as z.infer<W>;
      const asked = kind.asked(wanted, c.var.scopes);
      // Asked again it is the same job, whatever has become of what it was asked for, and where there would be no room for another one.
      const known = (await jobOfKey(store, key, asked)) as J | null;
      const request = known?.request ?? (await kind.request(wanted));
      const trainings = requiredTrainings(deps, path);
      if (known === null) {
        await kind.check(request, trainings);
        await trainings.room();
      }
      const job = known ?? (await createJobOnce(store, key, request, kind.create, { via: 'http', asked }));
      if (isOpen(job)) await trainings.offer(job.id);
      return accepted(c, job);
    },
    list: async (c: Context<Env>): Promise<Response> => {
      const jobs = await newestJobs(deps, sent(c, 'query').limit, kind.isOne);
      return c.json({ [path]: await shownAll(deps, jobs, kind.shown) }, 200);
    },
    show: async (c: Context<Env>): Promise<Response> => c.json(await shown(await kind.read(store, idOf(c)))),
    events: async (c: Context<Env>): Promise<Response> => {
      const id = idOf(c);
      const read = async () => (await shown(await kind.read(store, id))) as { readonly state: string };
      await read();
      return followJob(c, deps, noun, sent(c, 'header')['last-event-id'], read);
    },
    cancel: async (c: Context<Env>): Promise<Response> => {
      const { id } = await kind.read(store, idOf(c));
      await cancelJob(deps, id);
      return c.json(await shown(await kind.read(store, id)), 202);
    },
    resume: async (c: Context<Env>): Promise<Response> => {
      const job = await kind.read(store, idOf(c));
      kind.mayResume(job, c.var.scopes);
      const trainings = requiredTrainings(deps, path);
      if (!isOpen(job)) {
        await kind.check(job.request, trainings);
        await trainings.room();
      }
      const { id } = await resumeJob(store, job.id, 'http');
      await trainings.offer(id);
      return accepted(c, await kind.read(store, id));
    },
  };
  const routes = router();
  routes.openAPIRegistry.register(kind.wantedName, kind.wanted);
  const route = described(kind);
  return routes
    .openapi(route.start, handlers.start as never)
    .openapi(route.list, handlers.list as never)
    .openapi(route.show, handlers.show as never)
    .openapi(route.events, handlers.events as never)
    .openapi(route.cancel, handlers.cancel as never)
    .openapi(route.resume, handlers.resume as never);
}

/** What was sent with a request; the route's schemas have checked it. */
interface Sent {
  readonly header: { readonly 'idempotency-key': string; readonly 'last-event-id'?: string };
  readonly query: { readonly limit?: string };
  readonly param: { readonly id: string };
}

function sent<K extends keyof Sent>(c: Context<Env>, part: K): Sent[K] {
  const checked: Sent[K] = c.req.valid(part as never);
  return checked;
}

const idOf = (c: Context<Env>): string => sent(c, 'param').id;
