/** A job as a stream of its states. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SSEStreamingApi } from 'hono/streaming';
import { digest } from '../../core/images/picture.ts';

const LOOK_MS = 1000;
const HEARTBEAT_MS = 15_000;
const FINAL = new Set(['succeeded', 'failed', 'cancelled']);

/**
 * Sends every state, as an event of that name, that differs from the one before, until a final one or the end of the stream. An event's id says which state it is,
 * so that whoever comes back with it gets only what is new.
 */
export async function sendStates(
  stream: SSEStreamingApi,
  event: string,
  read: () => Promise<{ readonly state: string }>,
  { known, ended }: { readonly known: string | null; readonly ended: AbortSignal },
): Promise<void> {
  let last = known;
  let saidAt = performance.now();
  await stream.writeln('retry: 2000\n');
  while (!stream.aborted && !ended.aborted) {
    const state = await read();
    const data = JSON.stringify(state);
    const id = digest(data).slice(0, 16);
    if (id !== last) {
      await stream.writeSSE({ event, id, data });
      last = id;
      saidAt = performance.now();
    } else if (performance.now() - saidAt > HEARTBEAT_MS) {
      await stream.writeln(': still here\n');
      saidAt = performance.now();
    }
    if (FINAL.has(state.state)) return;
    await sleep(LOOK_MS, undefined, { signal: ended }).catch(() => undefined);
  }
}

/** How many streams there are, and their common end. */
export class Streams {
  readonly #most: number;
  readonly #longestMs: number | null;
  readonly #controller = new AbortController();
  #open = 0;

  /** @param longestMs after which one that begins now ends, to be begun anew; null: never */
  constructor(most: number, longestMs: number | null = null) {
    this.#most = most;
    this.#longestMs = longestMs;
  }

  /** The end of a stream that begins now. */
  get ended(): AbortSignal {
    const { signal } = this.#controller;
    return this.#longestMs === null
      ? signal
      : AbortSignal.any([signal, AbortSignal.timeout(this.#longestMs)]);
  }

  /** Whether there is room for one more; then it has to be left. */
  enter(): boolean {
    if (this.#open >= this.#most) return false;
    this.#open++;
    return true;
  }

  leave(): void {
    this.#open--;
  }

  /** Ends all of them. */
  end(): void {
    this.#controller.abort();
  }
}
