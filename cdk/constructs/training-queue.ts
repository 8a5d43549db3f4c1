import type { JobQueue } from 'aws-cdk-lib/aws-batch';

/** A way to train: a queue, and the job definition to submit there. */
export interface TrainingQueue {
  readonly queue: JobQueue;
  /**
   * Name of the job definition, without its revision: that changes with every image, and a value that another stack imports cannot
   * change.
   */
  readonly jobDefinitionName: string;
}
