import { InvalidInputError } from '../../core/errors.ts';
import type { Job } from '../../core/jobs/job.ts';
import type { ApiEnvironment } from '../environment.ts';
import type { ServeOptions } from '../deps.ts';
import type { Target } from '../trainings/batch/submission.ts';
import type { Seen, Trainings } from '../trainings/trainings.ts';

/** Trainings on AWS Batch, or null where no queue is named. @throws InvalidInputError on a queue without a job definition */
export function trainingsOf(environment: ApiEnvironment): NonNullable<ServeOptions['trainings']> | null {
  const gpu = targetOf('GPU', environment.KINDRED_GPU_QUEUE, environment.KINDRED_GPU_JOB);
  const cpu = targetOf('CPU', environment.KINDRED_CPU_QUEUE, environment.KINDRED_CPU_JOB);
  const imports = targetOf('IMPORT', environment.KINDRED_IMPORT_QUEUE, environment.KINDRED_IMPORT_JOB);
  if (gpu === null && cpu === null) return null;
  const smallPictures = environment.KINDRED_SMALL_PICTURES;
  return (shared) =>
    new WhenWanted(async () => {
      const [{ BatchTrainings }, { batchClient }] = await Promise.all([
        import('../trainings/batch/trainings.ts'),
        import('../trainings/batch/client.ts'),
      ]);
      return new BatchTrainings({ ...shared, client: batchClient(), gpu, cpu, imports, smallPictures });
    });
}

function targetOf(kind: string, queue: string | undefined, definition: string | undefined): Target | null {
  if (queue === undefined && definition === undefined) return null;
  if (queue !== undefined && definition !== undefined) return { queue, definition };
  throw new InvalidInputError(
    `KINDRED_${kind}_QUEUE and KINDRED_${kind}_JOB belong together; ${queue === undefined ? 'the queue' : 'the job'} is not set.`,
  );
}

/** Loads the client of Batch with the first request for it: most starts of the function are for pictures. */
class WhenWanted implements Trainings {
  readonly #make: () => Promise<Trainings>;
  #made: Promise<Trainings> | null = null;

  constructor(make: () => Promise<Trainings>) {
    this.#make = make;
  }

  async checkImport(): Promise<void> {
    return (await this.#trainings()).checkImport();
  }

  async room(): Promise<void> {
    return (await this.#trainings()).room();
  }

  async offer(job: string): Promise<void> {
    return (await this.#trainings()).offer(job);
  }

  async look<J extends Job>(jobs: readonly J[]): Promise<readonly Seen<J>[]> {
    return (await this.#trainings()).look(jobs);
  }

  async cancelled(job: string): Promise<void> {
    return (await this.#trainings()).cancelled(job);
  }

  async close(): Promise<void> {
    await (await this.#made)?.close();
  }

  #trainings(): Promise<Trainings> {
    return (this.#made ??= this.#make());
  }
}
