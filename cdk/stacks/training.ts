/** AWS Batch, in a stack of its own: it can be left out, and emulators that lack Batch can have the rest. */
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { CpuTraining } from '../constructs/cpu-training.ts';
import { GpuTraining } from '../constructs/gpu-training.ts';
import { ImportJob } from '../constructs/import-job.ts';
import { Network } from '../constructs/network.ts';
import { TrainingJob } from '../constructs/training-job.ts';
import type { TrainingQueue, Trainings } from '../constructs/training-queue.ts';

interface Props extends StackProps {
  readonly config: Config;
  readonly bucket: Bucket;
  readonly registry: string;
}

export class TrainingStack extends Stack implements Trainings {
  readonly job: TrainingJob;
  readonly gpu: TrainingQueue | null;
  readonly cpu: TrainingQueue | null;
  readonly imports: TrainingQueue | null;

  constructor(scope: Construct, id: string, { config, bucket, registry, ...props }: Props) {
    super(scope, id, props);
    const network = new Network(this, 'Network', { zones: config.training.availabilityZones });
    this.job = new TrainingJob(this, 'Training', { config, bucket, registry });
    const parts = { config, network, job: this.job };
    this.gpu = config.training.gpu.enabled ? new GpuTraining(this, 'Gpu', parts) : null;
    this.cpu = config.training.cpu.enabled ? new CpuTraining(this, 'Cpu', parts) : null;
    this.imports =
      this.cpu === null
        ? null
        : new ImportJob(this, 'Import', { config, bucket, registry, queue: this.cpu, training: this.job });
    for (const [kind, training] of [
      ['Gpu', this.gpu],
      ['Cpu', this.cpu],
    ] as const) {
      if (training === null) continue;
      new CfnOutput(this, `${kind}Queue`, { value: training.queueArn });
      new CfnOutput(this, `${kind}Job`, { value: training.jobDefinitionName });
    }
  }
}
