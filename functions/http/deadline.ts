/** Nothing keeps a request for ever: neither who sends it, nor the store, nor the engine. */
import { createMiddleware } from 'hono/factory';
import { RequestError } from '../errors.ts';
import type { Env } from './env.ts';
import type { Limits } from './limits.ts';

const signals = new WeakMap<Request, AbortSignal>();
/** Those whose bodies are being read. */
const arriving = new WeakSet<Request>();

/** Says when nobody waits for the answer any more: whoever asked has gone, or its time is over. */
export function signalOf(request: Request): AbortSignal {
  return signals.get(request) ?? request.signal;
}

/** Notes that the body is being read, until the returned function is called. */
export function bodyArrives(request: Request): () => void {
  arriving.add(request);
  return () => arriving.delete(request);
}

/** Answers 408 or 503 when it takes too long; the work ends at its next step. */
export function deadline({ seconds }: Pick<Limits, 'seconds'>) {
  return createMiddleware<Env>(async (c, next) => {
    const request = c.req.raw;
    const controller = new AbortController();
    const gone = (): void => controller.abort();
    request.signal.addEventListener('abort', gone, { once: true });
    signals.set(request, controller.signal);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(arriving.has(request) ? tooSlowlySent(seconds) : tooSlow(seconds));
        controller.abort();
      }, seconds * 1000);
    });
    try {
      await Promise.race([next(), late]);
    } finally {
      clearTimeout(timer);
      request.signal.removeEventListener('abort', gone);
    }
  });
}

function tooSlowlySent(seconds: number): RequestError {
  return new RequestError(408, 'timeout', `The body was not there within ${seconds} s. Send it again.`, {
    headers: { Connection: 'close' },
  });
}

function tooSlow(seconds: number): RequestError {
  return new RequestError(503, 'timeout', `There was no answer within ${seconds} s. Try again in a moment.`, {
    headers: { 'Retry-After': '5' },
  });
}
