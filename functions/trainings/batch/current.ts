/** Of the jobs of AWS Batch that do a job's work one after the other: how far they are. Asks nobody. */
import type { JobDetail } from '@aws-sdk/client-batch';

/** What Batch says of the one that counts now. */
export interface Current {
  /** `array` fails as soon as one of its children has: what comes after it can never begin. */
  readonly status: 'waiting' | 'running' | 'succeeded' | 'failed';
  readonly detail: JobDetail;
}

/** @param details in the order of the steps; at least one */
export function currentOf(details: readonly JobDetail[]): Current {
  const [last] = details.slice(-1) as [JobDetail];
  for (const detail of details) {
    const status = statusOf(detail);
    if (status !== 'succeeded') return { status, detail: waitingFor(detail) };
  }
  return { status: 'succeeded', detail: last };
}

/** Of an array, how many of its children are in each state. */
function childrenOf({ arrayProperties }: JobDetail): Readonly<Record<string, number>> {
  return arrayProperties?.statusSummary ?? {};
}

function statusOf(detail: JobDetail): Current['status'] {
  const { FAILED = 0, RUNNING = 0 } = childrenOf(detail);
  if (detail.status === 'SUCCEEDED') return 'succeeded';
  if (detail.status === 'FAILED' || FAILED > 0) return 'failed';
  return detail.status === 'RUNNING' || RUNNING > 0 ? 'running' : 'waiting';
}

/** An array itself only ever waits for its children: what they wait for counts. */
function waitingFor(detail: JobDetail): JobDetail {
  const { STARTING = 0, RUNNABLE = 0 } = childrenOf(detail);
  if (STARTING > 0) return { ...detail, status: 'STARTING' };
  return RUNNABLE > 0 ? { ...detail, status: 'RUNNABLE' } : detail;
}
