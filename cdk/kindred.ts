import type { App } from 'aws-cdk-lib';
import type { Config } from './config.ts';
import { queueArnIn } from './constructs/training-queue.ts';
import type { Trainings } from './constructs/training-queue.ts';
import { ApiStack } from './stacks/api.ts';
import { IngestStack } from './stacks/ingest.ts';
import { ObservabilityStack } from './stacks/observability.ts';
import { StatefulStack } from './stacks/stateful.ts';
import { TrainingStack } from './stacks/training.ts';

export interface Kindred {
  readonly stateful: StatefulStack;
  /** Null where the configuration wants none, or others. */
  readonly training: TrainingStack | null;
  readonly api: ApiStack;
  readonly ingest: IngestStack;
  readonly observability: ObservabilityStack;
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
  const { existing, gpu, cpu } = config.training;
  const training =
    existing === null && (gpu.enabled || cpu.enabled)
      ? new TrainingStack(app, `${name}-training`, {
          config,
          bucket,
          registry,
          description: 'Kindred: trainings on AWS Batch.',
        })
      : null;
  const trainings = training ?? named(stateful, config);
  const api = new ApiStack(app, `${name}-api`, {
    config,
    bucket,
    registry,
    training: trainings,
    description: 'Kindred: the address that answers.',
  });
  // They know the queues by name only, which asks for no order.
  if (training !== null) api.addStackDependency(training);
  const ingest = new IngestStack(app, `${name}-ingest`, {
    config,
    bucket,
    registry,
    description: 'Kindred: pictures that are put into the bucket come into the galleries.',
  });
  const observability = new ObservabilityStack(app, `${name}-observability`, {
    config,
    api,
    ingest,
    training: trainings,
    description: 'Kindred: dashboard and alarms.',
  });
  return { stateful, training, api, ingest, observability };
}

/** The queue that the configuration names, if it does. */
function named(scope: StatefulStack, { training }: Config): Trainings {
  if (training.existing === null) return { gpu: null, cpu: null, imports: null };
  const { queue, job } = training.existing;
  return { gpu: { queueArn: queueArnIn(scope, queue), jobDefinitionName: job }, cpu: null, imports: null };
}
