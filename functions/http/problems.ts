/** Errors as RFC 9457 says them: application/problem+json with a stable `type`. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { KindredError } from '../../core/errors.ts';
import { RequestError } from '../errors.ts';
import type { LogEntry } from '../log.ts';
import type { TextFilter } from './places.ts';

export const problemSchema = z
  .object({
    type: z.string().meta({ example: 'urn:kindred:problem:not-found' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    /** The request, as the log names it. */
    instance: z.string(),
  })
  .openapi('Problem');
export type Problem = z.infer<typeof problemSchema>;

/** By the code of an error; programs branch on the code, which is the end of `type`. */
const KINDS: Readonly<Record<string, readonly [status: number, title: string]>> = {
  'invalid-input': [400, 'The request is not one that can be answered'],
  unauthorized: [401, 'A token is needed'],
  forbidden: [403, 'This is not allowed'],
  'not-found': [404, 'There is no such thing'],
  'method-not-allowed': [405, 'This cannot be done with it'],
  timeout: [408, 'It takes too long'],
  conflict: [409, 'It is not as it was expected to be'],
  'precondition-failed': [412, 'It has changed meanwhile'],
  'too-large': [413, 'The body is too large'],
  'unsupported-type': [415, 'This kind of content is not taken'],
  'unsupported-image': [415, 'This kind of image is not supported'],
  'unreadable-image': [422, 'The picture cannot be used'],
  'precondition-required': [428, 'A condition is needed'],
  'rate-limited': [429, 'Too many requests'],
  cancelled: [499, 'The request was given up'],
  'not-offered': [501, 'This server does not do it'],
  issuer: [503, 'The issuer of the tokens does not answer'],
  busy: [503, 'Too much is asked for at once'],
  storage: [503, 'The store does not answer'],
  'engine-failed': [503, 'The engine has failed, and is started anew'],
  'corrupt-data': [500, 'What is stored is damaged'],
  skew: [500, 'The engine does not compute what the version was made with'],
  'missing-dependency': [500, 'Something that the server needs is missing'],
};

const UNEXPECTED = [500, 'Something unexpected happened'] as const;

/** What of an error goes out: the messages of the server's own troubles stay in its log. */
export function problemOf(error: unknown, instance: string, withoutPlace: TextFilter): Problem {
  const known = asKindredError(error);
  const code = known?.code ?? 'unexpected';
  const [usual, title] = KINDS[code] ?? UNEXPECTED;
  const status = known instanceof RequestError ? known.status : usual;
  // Errors of requests are written for whoever asks; those of the server for its log.
  const isTheirs = known !== null && (status < 500 || known instanceof RequestError);
  const detail = isTheirs ? withoutPlace(known.message) : HIDDEN;
  return { type: `urn:kindred:problem:${code}`, title, status, detail, instance };
}

const HIDDEN = 'The log of the server says more, under the id of this request.';

/** Errors of the framework say what they are by their status. */
function asKindredError(error: unknown): KindredError | null {
  if (error instanceof KindredError) return error;
  if (!(error instanceof HTTPException)) return null;
  const code = Object.entries(KINDS).find(([, [status]]) => status === error.status)?.[0] ?? 'invalid-input';
  return new RequestError(error.status, code, error.message, { cause: error });
}

/** The answer to an error, and its entry in the log. */
export function answerProblem(
  c: Context,
  error: unknown,
  { log, withoutPlace }: { readonly log: (entry: LogEntry) => void; readonly withoutPlace: TextFilter },
): Response {
  const requestId = String(c.get('requestId'));
  const problem = problemOf(error, requestId, withoutPlace);
  // What is only too much at once is counted, and says all to whoever asks; what has a cause does not.
  if (problem.status >= 500 && !(error instanceof RequestError && error.cause === undefined)) {
    log({ level: 'error', requestId, error: describe(error) });
  }
  const headers = error instanceof RequestError ? error.headers : {};
  const more = problem.status === 503 && !('Retry-After' in headers) ? { 'Retry-After': '5' } : {};
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'Content-Type': 'application/problem+json', ...more, ...headers },
  });
}

/** With its causes, for the log. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `; caused by ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
