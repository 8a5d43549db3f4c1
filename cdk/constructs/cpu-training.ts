/** Trainings without a GPU, on Fargate: for small data sets, and for accounts that have no quota for GPUs. */
import { Duration, Names } from 'aws-cdk-lib';
import {
  EcsFargateContainerDefinition,
  EcsJobDefinition,
  FargateComputeEnvironment,
} from 'aws-cdk-lib/aws-batch';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { fargateContainer } from './fargate-container.ts';
import type { Network } from './network.ts';
import type { TrainingJob } from './training-job.ts';
import { namedQueue } from './training-queue.ts';
import type { TrainingQueue } from './training-queue.ts';

interface Props {
  readonly config: Config;
  readonly network: Network;
  readonly job: TrainingJob;
}

export class CpuTraining extends Construct implements TrainingQueue {
  readonly queueArn: string;
  readonly jobDefinitionName: string;

  constructor(scope: Construct, id: string, { config, network, job }: Props) {
    super(scope, id);
    const { spot, maxVcpus } = config.training.cpu;
    const { queue, queueArn } = namedQueue(this);
    this.queueArn = queueArn;
    const kinds = spot ? [true, false] : [false];
    for (const [i, isSpot] of kinds.entries()) {
      const environment = new FargateComputeEnvironment(this, isSpot ? 'Spot' : 'OnDemand', {
        vpc: network.vpc,
        vpcSubnets: { subnets: network.vpc.publicSubnets },
        securityGroups: [network.securityGroup],
        spot: isSpot,
        maxvCpus: maxVcpus,
      });
      queue.addComputeEnvironment(environment, i + 1);
    }
    this.jobDefinitionName = Names.uniqueResourceName(this, { maxLength: 100 });
    new EcsJobDefinition(this, 'Job', {
      jobDefinitionName: this.jobDefinitionName,
      container: new EcsFargateContainerDefinition(this, 'Container', {
        ...fargateContainer(config),
        command: job.command,
        jobRole: job.role,
        executionRole: job.executionRole,
        logging: job.logging,
      }),
      retryAttempts: job.retryAttempts,
      retryStrategies: job.retryStrategies,
      timeout: Duration.hours(config.training.hours),
      propagateTags: true,
    });
  }
}
