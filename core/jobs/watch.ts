/** A running job's link to the store: progress and signs of life go out, a wish to cancel comes in. */
import { ConflictError } from '../errors.ts';
import { encode } from '../registry/documents.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Report, TrainingProgress } from '../training/progress.ts';
import { now, progressKey } from './job.ts';
import { renewHold } from './owner.ts';
import type { Hold } from './owner.ts';

/** Milliseconds between two exchanges with the store. */
const INTERVAL = 2000;

export interface Watch {
  readonly report: Report;
  /** Aborted when the caller's signal is, when somebody asked to cancel, or, with a ConflictError, when the job was lost. */
  readonly signal: AbortSignal;
  /** Writes the last progress and ends. Never throws. */
  stop(): Promise<void>;
}

/**
 * Passes progress on to `report` and, now and then, into the store. A store that fails now and then does not stop a
 * training.
 */
export function watchJob(store: ObjectStore, hold: Hold, report: Report, outer?: AbortSignal): Watch {
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) abort();
  outer?.addEventListener('abort', abort, { once: true });

  let last: TrainingProgress | null = null;
  let written: TrainingProgress | null = null;
  const exchange = async (): Promise<void> => {
    const { cancelRequested } = await renewHold(store, hold);
    if (cancelRequested) controller.abort();
    if (last === written) return;
    const progress = last;
    await store.put(progressKey(hold.id), encode({ at: now(), progress }));
    written = progress;
  };
  const tryExchange = async (): Promise<void> => {
    try {
      await exchange();
    } catch (error) {
      if (error instanceof ConflictError) controller.abort(error);
    }
  };

  let underWay: Promise<void> | null = null;
  const timer = setInterval(() => {
    underWay ??= tryExchange().finally(() => (underWay = null));
  }, INTERVAL);
  timer.unref();

  return {
    report(progress) {
      last = progress;
      report(progress);
    },
    signal: controller.signal,
    async stop() {
      clearInterval(timer);
      outer?.removeEventListener('abort', abort);
      await underWay;
      await tryExchange();
    },
  };
}
