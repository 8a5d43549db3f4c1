/** What all resources have in common: how inputs are refused, and which problems every answer may be. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { InvalidInputError } from '../../core/errors.ts';
import { saidShort } from './body.ts';
import type { Env } from './env.ts';
import { problemSchema } from './problems.ts';

/** A router whose inputs are refused by throwing InvalidInputError. */
export function router(): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (!result.success)
        throw new InvalidInputError(`${WHERE[result.target] ?? ''}${saidShort(result.error)}`);
    },
  });
}

/** A query that takes these and nothing else: what is misspelt would be answered as if nobody had said it. */
export function queryOf<S extends z.ZodRawShape>(shape: S) {
  const known = Object.keys(shape).map((name) => JSON.stringify(name));
  return z.strictObject(shape, {
    error: ({ code, keys }) =>
      code === 'unrecognized_keys'
        ? `there is no ${keys.map((name) => JSON.stringify(name)).join(', ')}; allowed are ${known.join(', ')}`
        : undefined,
  });
}

const WHERE: Readonly<Record<string, string>> = {
  query: 'The query: ',
  param: 'The address: ',
  header: 'The header fields: ',
};

const problem = { content: { 'application/problem+json': { schema: problemSchema } } };

const SAID: Readonly<Record<number, string>> = {
  400: 'Something about the request is wrong; the detail says what.',
  401: 'A token is needed, or the one given is not known.',
  403: 'The token, or the page that asks, may not do this.',
  404: 'There is no such thing.',
  408: 'The body does not come.',
  409: 'It is not as it was expected to be; nothing was changed.',
  412: 'It has changed since it was read; nothing was changed.',
  413: 'The body is too large.',
  415: 'This kind of content is not taken.',
  422: 'The picture cannot be used.',
  428: 'If-Match is needed.',
  429: 'Too many requests; Retry-After says when to try again.',
  500: 'Something is wrong with the server, or with what is stored.',
  501: 'This server does not do it.',
  503: 'Too much at once, or the store does not answer; Retry-After says when to try again.',
};

type Refusals = Record<string, typeof problem & { description: string }>;

/** The problems that an answer may be; 400, 401, 403, 404, 408, 429, 500 and 503 always. */
export function problems(...statuses: number[]): Refusals {
  const all = [400, 401, 403, 404, 408, 429, 500, 503, ...statuses].toSorted((a, b) => a - b);
  return Object.fromEntries(all.map((status) => [status, { description: SAID[status] ?? '', ...problem }]));
}

/** A JSON answer of a schema. */
export function answer<T extends z.ZodType>(
  description: string,
  schema: T,
): { description: string; content: { 'application/json': { schema: T } } } {
  return { description, content: { 'application/json': { schema } } };
}

export const nameSchema = z
  .string()
  .min(1)
  .max(63)
  .meta({ description: 'Its name: a-z, 0-9, ".", "_" and "-".', example: 'clothes' });
