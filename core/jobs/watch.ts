/** A running job's link to the store: progress goes out, a wish to cancel comes in. */
import { encode } from '../registry/documents.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Report, TrainingProgress } from '../training/progress.ts';
import { isCancelRequested, now, progressKey } from './job.ts';

/** Milliseconds between two looks and two writes. */
const INTERVAL = 2000;

export interface Watch {
  readonly report: Report;
  /** Aborted when the caller's signal is, or when somebody asked the job to cancel. */
  readonly signal: AbortSignal;
  /** Writes the last progress and ends. */
  stop(): Promise<void>;
}

/** Passes progress on to `report` and, now and then, into the store. Failing to write progress never stops a training. */
export function watchJob(store: ObjectStore, id: string, report: Report, outer?: AbortSignal): Watch {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (outer?.aborted) abort();
  outer?.addEventListener('abort', abort, { once: true });
  let last: TrainingProgress | null = null;
  let written: TrainingProgress | null = null;
  const exchange = async (): Promise<void> => {
    if (await isCancelRequested(store, id)) abort();
    if (last === null || last === written) return;
    written = last;
    await store.put(progressKey(id), encode({ at: now(), progress: last }));
  };
  let underWay: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    underWay = underWay.then(exchange).catch(() => undefined);
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
      await exchange().catch(() => undefined);
    },
  };
}
