/** Bodies, read no further than is allowed. */
import type { z } from '@hono/zod-openapi';
import { z as zod } from 'zod';
import { InvalidInputError } from '../../core/errors.ts';
import { goneAway, tooLarge, unsupportedType } from '../errors.ts';
import { Blocks } from './blocks.ts';
import { bodyArrives, signalOf } from './deadline.ts';
import type { Memory } from './memory.ts';

const JSON_BYTES = 64 * 1024;
/** Deeper than anything that is asked for, and no danger to what walks over it. */
const JSON_DEPTH = 32;

/**
 * Gives the body to `work`; what it takes in memory counts as taken until that has ended, and twice while its blocks are put together.
 * @throws RequestError (too-large, busy, cancelled)
 */
export async function withBody<T>(
  request: Request,
  most: number,
  memory: Memory,
  work: (bytes: Uint8Array<ArrayBuffer>) => Promise<T>,
): Promise<T> {
  const blocks = new Blocks(memory);
  try {
    await gather(request, most, blocks);
    return await work(blocks.join());
  } finally {
    blocks.give();
  }
}

async function gather(request: Request, most: number, blocks: Blocks): Promise<void> {
  const told = Number(request.headers.get('content-length') ?? 0);
  if (told > most) throw bodyTooLarge(most, `${told}`);
  if (request.body === null) return;
  const reader = request.body.getReader();
  const signal = signalOf(request);
  const giveUp = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', giveUp, { once: true });
  const arrived = bodyArrives(request);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) throw goneAway();
      if (done) return;
      const size = blocks.size + value.length;
      if (size > most) throw bodyTooLarge(most, `at least ${size}`);
      blocks.add(value, told);
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    throw signal.aborted ? goneAway() : error;
  } finally {
    arrived();
    signal.removeEventListener('abort', giveUp);
  }
}

function bodyTooLarge(most: number, size: string): Error {
  return tooLarge(`The body has ${size} bytes, allowed are at most ${most}. Send less at once.`);
}

/** The type of the body, without parameters and in lower case; '' when nothing is said. */
export function mediaType(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/**
 * The body as JSON of a schema.
 * @throws RequestError (too-large, unsupported-type); InvalidInputError naming what is wrong
 */
export async function jsonBody<T>(request: Request, schema: z.ZodType<T>, memory: Memory): Promise<T> {
  const type = mediaType(request);
  if (type !== 'application/json') {
    throw unsupportedType(`The body is of type ${JSON.stringify(type)}; send application/json.`);
  }
  return withBody(request, JSON_BYTES, memory, (bytes) => Promise.resolve(parseJson(bytes, schema)));
}

/** @throws InvalidInputError */
export function parseJson<T>(bytes: Uint8Array, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(valueOf(bytes));
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(`The body: ${saidShort(parsed.error)}`);
}

/** What a schema did not like, in one line. */
export function saidShort(error: zod.core.$ZodError): string {
  return zod
    .prettifyError(error)
    .replaceAll('✖ ', '')
    .replaceAll(/\n\s*→ at (?:\["([^"\]]+)"\])?/g, ' at $1')
    .replaceAll(/Invalid input: expected (\w+), received undefined at (\S+)/g, '$2 is missing (expected: $1)')
    .split('\n')
    .slice(0, 5)
    .join('; ');
}

function valueOf(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidInputError('The body is not UTF-8, which JSON is written in.', { cause });
  }
  if (depthOf(text) > JSON_DEPTH) {
    throw new InvalidInputError(`The body is nested deeper than ${JSON_DEPTH} levels.`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidInputError(`The body is not JSON: ${why}`, { cause });
  }
}

/** How deep brackets are nested, those in strings apart. */
function depthOf(text: string): number {
  let [depth, deepest, inString] = [0, 0, false];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === '\\') i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if (character === ']' || character === '}') depth--;
  }
  return deepest;
}
