import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { CancelledError, DivergedError, MissingDependencyError } from '../../core/errors.ts';
import type { TrainingData } from '../../core/pipeline/context.ts';
import type { TrainingJob } from '../../core/jobs/job.ts';
import type { TrainingRequest } from '../../core/pipeline/request.ts';
import type { TrainingResult } from '../../core/jobs/result.ts';
import type { Context } from '../context.ts';
import { registryFlag } from '../output/shell.ts';
import { openTrainingData } from './data.ts';
import { noteDevice } from './device.ts';
import { libraryVersions } from './libraries.ts';
import { trainingReport } from './progress.ts';
import type { Interruption } from './signals.ts';

/** Often enough that a killed training loses little, seldom enough that saving costs little. */
const CHECKPOINT_SECONDS = 60;

export interface Attempt {
  readonly request: TrainingRequest;
  /** The job to go on with; null makes a new one, once the pictures are found to be usable. */
  readonly job: TrainingJob | null;
  readonly resume: 'no' | 'continue' | 'best';
  readonly interruption: Interruption;
  /** Whether to look for faults of the pictures first. @default true */
  readonly check?: boolean | undefined;
}

/**
 * Works on a training in this process and prints how far it is.
 * @throws CancelledError saying how to go on
 */
export async function runJob(
  context: Context,
  { request, job: known, resume, interruption, check = true }: Attempt,
): Promise<TrainingResult> {
  requireBackbone(context);
  const registry = await context.registry();
  const data = await openedData(context, request, known);
  const [{ createJob }, { runTraining }] = await Promise.all([
    import('../../core/jobs/job.ts'),
    import('../../core/jobs/train.ts'),
  ]);
  const job = known ?? (await createJob(registry.store, request));
  context.terminal.note(`${known === null ? 'Training' : 'Going on with'} ${request.model}, job ${job.id}`);
  await noteDevice(context.terminal);
  const featuresFolder = path.join(context.cache, 'features');
  await mkdir(featuresFolder, { recursive: true });
  const { report, end } = trainingReport(context.terminal);
  interruption.begin();
  try {
    const training = {
      registry,
      backbone: context.backbone,
      featuresFolder,
      scratch: context.scratch,
      libraries: libraryVersions(),
      createdBy: context.author,
      place: context.place,
      unattended: context.unattended,
      checkpointSeconds: CHECKPOINT_SECONDS,
      check,
      signal: interruption.signal,
      report,
    };
    return await runTraining(job, data, training, resume);
  } catch (error) {
    throw withAdvice(context, job, error);
  } finally {
    end();
  }
}

/** Whoever did not start this process looks at the job to see why it did not begin. */
async function openedData(
  context: Context,
  request: TrainingRequest,
  known: TrainingJob | null,
): Promise<TrainingData> {
  const open = (): Promise<TrainingData> => openTrainingData(context, request);
  if (known === null || !context.unattended) return open();
  const { notingFailure } = await import('../../core/jobs/failure.ts');
  return notingFailure((await context.registry()).store, known, open);
}

/** @throws MissingDependencyError when the set-up did not put the pretrained weights there */
export function requireBackbone({ backbone }: Context): void {
  if (existsSync(backbone.file)) return;
  throw new MissingDependencyError(
    `The pretrained weights ${JSON.stringify(backbone.file)} are not there. Run "npm run setup" in Kindred's folder; ` +
      `"kindred doctor" shows what else is missing.`,
  );
}

function withAdvice(context: Context, { id }: TrainingJob, error: unknown): unknown {
  const resume = `kindred train --resume ${id}${registryFlag(context.registryUri)}`;
  if (error instanceof CancelledError) {
    return new CancelledError(`${error.message}\nTo go on: ${resume}`, { cause: error });
  }
  if (error instanceof DivergedError) {
    return new DivergedError(`${error.message}\nTo publish the best epoch: ${resume} --best`, {
      cause: error,
    });
  }
  return error;
}
