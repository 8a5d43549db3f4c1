import { InvalidInputError } from '../../core/errors.ts';
import type { ApiEnvironment } from '../environment.ts';
import type { ServeOptions } from '../make-deps.ts';
import type { Target } from '../trainings/batch/submission.ts';

/** Trainings on AWS Batch, or null where no queue is named. @throws InvalidInputError on a queue without a job definition */
export async function trainingsOf(
  environment: ApiEnvironment,
): Promise<NonNullable<ServeOptions['trainings']> | null> {
  const gpu = targetOf('GPU', environment.KINDRED_GPU_QUEUE, environment.KINDRED_GPU_JOB);
  const cpu = targetOf('CPU', environment.KINDRED_CPU_QUEUE, environment.KINDRED_CPU_JOB);
  if (gpu === null && cpu === null) return null;
  const { BatchTrainings, batchClient } = await import('../trainings/batch/trainings.ts');
  const client = await batchClient();
  const smallPictures = environment.KINDRED_SMALL_PICTURES;
  return (shared) => new BatchTrainings({ ...shared, client, gpu, cpu, smallPictures });
}

function targetOf(kind: string, queue: string | undefined, definition: string | undefined): Target | null {
  if (queue === undefined && definition === undefined) return null;
  if (queue !== undefined && definition !== undefined) return { queue, definition };
  throw new InvalidInputError(
    `KINDRED_${kind}_QUEUE and KINDRED_${kind}_JOB belong together; ${queue === undefined ? 'the queue' : 'the job'} is not set.`,
  );
}
