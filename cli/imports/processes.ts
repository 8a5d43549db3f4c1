/** The parts of an import in processes of their own on this machine, so many at once. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { CancelledError, KindredError } from '../../core/errors.ts';
import { lastWords } from '../../core/jobs/plain-text.ts';
import type { Context } from '../context.ts';

/** How often a part is begun whose process was killed: what it has embedded is kept. */
const TRIES = 3;
/** Of what a process said last. */
const TAIL = 4000;

interface Work {
  readonly parts: readonly number[];
  readonly atOnce: number;
  readonly signal: AbortSignal;
}

/**
 * Embeds these parts.
 * @throws CancelledError when the signal says so; KindredError with what a process said that failed. The others have ended by then
 */
export async function embedInProcesses(context: Context, job: string, work: Work): Promise<void> {
  const { parts, signal } = work;
  const atOnce = Math.min(work.atOnce, parts.length);
  const waiting = [...parts];
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const worker = async (): Promise<void> => {
    while (!stopped.aborted) {
      const part = waiting.shift();
      if (part === undefined) return;
      await embed(() => start(context, job, part, atOnce), part, stopped, context.terminal);
    }
  };
  const ends = await Promise.allSettled(
    Array.from({ length: atOnce }, () =>
      worker().catch((error: unknown) => {
        stop.abort();
        throw error;
      }),
    ),
  );
  if (signal.aborted) throw new CancelledError('Stopped while pictures were being embedded.');
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function embed(
  begin: () => ChildProcess,
  part: number,
  stopped: AbortSignal,
  terminal: Context['terminal'],
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { status, killedBy, tail } = await ended(begin(), stopped);
    if (stopped.aborted || status === 0) return;
    if (killedBy !== null && tries < TRIES) continue;
    // Where in the program that was is told here; the job keeps only what it was.
    if (/^unexpected /m.test(tail)) terminal.note(tail.trimEnd());
    const why =
      killedBy === null
        ? lastWords(tail) || 'its process ended without a word'
        : `its process was killed (${killedBy}) ${tries} times`;
    throw new KindredError('part-failed', `Part ${part} of the import failed: ${why}`);
  }
}

function start(context: Context, job: string, part: number, atOnce: number): ChildProcess {
  const args = [
    fileURLToPath(new URL('../../bin/kindred.mjs', import.meta.url)),
    `gallery import --resume ${job} --step embed --part ${part} --json`.split(' '),
    ['--registry', context.registryUri],
    ['--threads', String(Math.max(1, Math.floor(availableParallelism() / atOnce)))],
  ].flat();
  // The channel tells it when this process is gone.
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
}

async function ended(
  child: ChildProcess,
  stopped: AbortSignal,
): Promise<{ readonly status: number | null; readonly killedBy: string | null; readonly tail: string }> {
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-TAIL)));
  const kill = (): void => void child.kill('SIGTERM');
  if (stopped.aborted) kill();
  stopped.addEventListener('abort', kill, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, killedBy) => resolve({ status, killedBy, tail }));
    });
  } finally {
    stopped.removeEventListener('abort', kill);
  }
}
