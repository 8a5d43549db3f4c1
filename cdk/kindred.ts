import type { App } from 'aws-cdk-lib';
import type { Config } from './config.ts';
import { StatefulStack } from './stacks/stateful.ts';
import { TrainingStack } from './stacks/training.ts';

export interface Kindred {
  readonly stateful: StatefulStack;
  readonly training: TrainingStack;
}

/** All stacks of one deployment. They name no account and no region, so that making the templates asks nobody. */
export function kindredOn(app: App, config: Config): Kindred {
  const { name } = config;
  const stateful = new StatefulStack(app, `${name}-stateful`, {
    config,
    description: 'Kindred: pictures and registry. Deleting the stack leaves the bucket.',
    terminationProtection: true,
  });
  const { bucket, registry } = stateful;
  const training = new TrainingStack(app, `${name}-training`, {
    config,
    bucket,
    registry,
    description: 'Kindred: trainings on AWS Batch.',
  });
  return { stateful, training };
}
