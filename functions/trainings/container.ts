/**
 * A command in a container that may be taken away: on SIGTERM, or on the notice that a Spot machine gets two minutes before its end, the
 * command is told to keep a checkpoint, and the container ends with a status that has it started again elsewhere.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** EX_TEMPFAIL of sysexits.h; the job definition's rules for attempts know it (cdk/constructs/training-job.ts). */
export const INTERRUPTED = 75;

/** Batch would start the job at once, on the same machine: it is better held until that is gone. */
const HOLD_MS = 180_000;
const ASK_MS = 3000;

export interface Container {
  /** A program of Node's and its arguments. */
  readonly command: readonly string[];
  /** Whether somebody wants the job ended for good; asked before the command is told to stop. Null where the job is not known. */
  readonly isToEnd: (() => Promise<boolean>) | null;
  /** Calls back when the machine is about to be taken away. @returns what ends the watch */
  readonly watchNotice: (onNotice: () => void) => () => void;
  readonly say: (text: string) => void;
}

/** @returns the container's exit status */
export async function runContainer({ command, isToEnd, watchNotice, say }: Container): Promise<number> {
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = endOf(child);
  const gone = new AbortController();
  let interrupted: { toEnd: boolean; byNotice: boolean } | null = null;
  const interrupt = async (byNotice: boolean): Promise<void> => {
    if (interrupted !== null) return;
    interrupted = { toEnd: false, byNotice };
    // A store that does not answer must not cost the time that there is left.
    const asked = isToEnd?.().catch(() => false) ?? false;
    interrupted.toEnd = await Promise.race([asked, sleep(ASK_MS, false, { ref: false })]);
    child.kill('SIGTERM');
  };
  const onSignal = (): void => {
    gone.abort();
    void interrupt(false);
  };
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, onSignal);
  const unwatch = watchNotice(() => {
    say('This Spot machine is about to be taken away.');
    void interrupt(true);
  });
  const status = await ended;
  unwatch();
  return leave();

  async function leave(): Promise<number> {
    if (status === 0 || interrupted === null || interrupted.toEnd) return status;
    say('Interrupted; the next attempt goes on from the checkpoint.');
    if (interrupted.byNotice) await sleep(HOLD_MS, undefined, { signal: gone.signal }).catch(() => undefined);
    return INTERRUPTED;
  }
}

/** @returns the exit status as a shell would tell it */
async function endOf(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
