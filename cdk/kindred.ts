import type { App } from 'aws-cdk-lib';
import type { Config } from './config.ts';
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

const NONE: Trainings = { gpu: null, cpu: null, imports: null };

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
  const api = new ApiStack(app, `${name}-api`, {
    config,
    bucket,
    registry,
    training: training ?? NONE,
    description: 'Kindred: the address that answers.',
  });
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
    training: training ?? NONE,
    description: 'Kindred: dashboard and alarms.',
  });
  return { stateful, training, api, ingest, observability };
}
