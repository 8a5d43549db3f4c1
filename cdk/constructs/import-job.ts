/** What embeds large data sets into galleries: containers on the queue without GPUs, which may do less than trainings. */
import { Duration, Names } from 'aws-cdk-lib';
import { EcsFargateContainerDefinition, EcsJobDefinition } from 'aws-cdk-lib/aws-batch';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { fargateContainer } from './fargate-container.ts';
import { permit } from './permissions.ts';
import { importPermissions } from './store-permissions.ts';
import type { TrainingJob } from './training-job.ts';
import type { TrainingQueue } from './training-queue.ts';

interface Props {
  readonly config: Config;
  readonly bucket: Bucket;
  readonly registry: string;
  /** What it runs on. */
  readonly queue: TrainingQueue;
  /** Whose image, log and rules for attempts it shares. */
  readonly training: TrainingJob;
}

export class ImportJob extends Construct implements TrainingQueue {
  readonly role: Role;
  readonly queueArn: string;
  readonly jobDefinitionName: string;

  constructor(scope: Construct, id: string, { config, bucket, registry, queue, training }: Props) {
    super(scope, id);
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com'),
      description: 'What an import of pictures into a gallery may do',
    });
    permit(this.role, importPermissions(bucket));
    this.queueArn = queue.queueArn;
    this.jobDefinitionName = Names.uniqueResourceName(this, { maxLength: 100 });
    new EcsJobDefinition(this, 'Job', {
      jobDefinitionName: this.jobDefinitionName,
      container: new EcsFargateContainerDefinition(this, 'Container', {
        ...fargateContainer(config),
        // Both are given when it is submitted; which part a container embeds, its index in the array tells.
        command: [
          'gallery',
          'import',
          '--resume',
          'Ref::job',
          '--step',
          'Ref::step',
          '--registry',
          registry,
          '--json',
        ],
        jobRole: this.role,
        executionRole: training.executionRole,
        logging: training.logging,
      }),
      retryAttempts: training.retryAttempts,
      retryStrategies: training.retryStrategies,
      timeout: Duration.hours(config.training.hours),
      propagateTags: true,
    });
  }
}
