/** A way to train: a queue of AWS Batch, and the job definition to submit there. */
export interface TrainingQueue {
  readonly queueArn: string;
  /**
   * Name of the job definition, without its revision: that changes with every image, and a value that another stack imports cannot
   * change.
   */
  readonly jobDefinitionName: string;
}

/** Null: there is no such way. */
export interface Trainings {
  readonly gpu: TrainingQueue | null;
  readonly cpu: TrainingQueue | null;
  /** What embeds large data sets into galleries, on the queue of `cpu`. */
  readonly imports: TrainingQueue | null;
}
