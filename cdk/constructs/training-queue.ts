import { Names, Stack } from 'aws-cdk-lib';
import { JobQueue } from 'aws-cdk-lib/aws-batch';
import type { Construct } from 'constructs';

/**
 * A way to train: a queue of AWS Batch, and the job definition to submit there. Both go by names that are known beforehand: what another
 * stack imports can neither change nor be taken away, and the definition changes with every image, and the queue goes when it is turned off.
 */
export interface TrainingQueue {
  readonly queueArn: string;
  /** Without its revision: the newest is taken. */
  readonly jobDefinitionName: string;
}

/** Null: there is no such way. */
export interface Trainings {
  readonly gpu: TrainingQueue | null;
  readonly cpu: TrainingQueue | null;
  /** What embeds large data sets into galleries, on the queue of `cpu`. */
  readonly imports: TrainingQueue | null;
}

/** A queue whose name only depends on where in the app it is. */
export function namedQueue(scope: Construct): { readonly queue: JobQueue; readonly queueArn: string } {
  const jobQueueName = Names.uniqueResourceName(scope, { maxLength: 100 });
  const queue = new JobQueue(scope, 'Queue', { jobQueueName, priority: 1 });
  return { queue, queueArn: queueArnIn(scope, jobQueueName) };
}

/** The ARN of a queue of this account and region. */
export function queueArnIn(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({ service: 'batch', resource: 'job-queue', resourceName: name });
}
