import type { Talk } from '../core/promotion/compare.ts';
import type { Context } from './context.ts';
import { trainingReport } from './training/progress.ts';

/**
 * Runs work that tells how far it is and that a first Ctrl-C stops at a point from which it can be done again; a second one ends the process.
 */
export async function stoppable<T>(context: Context, work: (talk: Talk) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const { report, end } = trainingReport(context.terminal);
  try {
    return await work({ report, signal: controller.signal });
  } finally {
    end();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
