/** Trainings on EC2 instances with a GPU, which there are only while something runs. */
import { Duration, Names, Size, Tags } from 'aws-cdk-lib';
import {
  AllocationStrategy,
  EcsEc2ContainerDefinition,
  EcsJobDefinition,
  EcsMachineImageType,
  ManagedEc2EcsComputeEnvironment,
} from 'aws-cdk-lib/aws-batch';
import type { CfnComputeEnvironment } from 'aws-cdk-lib/aws-batch';
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceType,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
} from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import type { Network } from './network.ts';
import { accept } from './permissions.ts';
import { trainingImage } from './training-image.ts';
import type { TrainingJob } from './training-job.ts';
import { namedQueue } from './training-queue.ts';
import type { TrainingQueue } from './training-queue.ts';

interface Props {
  readonly config: Config;
  readonly network: Network;
  readonly job: TrainingJob;
}

/** Of the smallest of the instances, less what their agent needs: a job gets a whole one. */
const VCPUS = 4;
const MEMORY = Size.mebibytes(14_000);
/** Batch waits at most so long for jobs when it replaces machines. */
const LONGEST_UPDATE_HOURS = 120;

export class GpuTraining extends Construct implements TrainingQueue {
  readonly queueArn: string;
  readonly jobDefinitionName: string;

  constructor(scope: Construct, id: string, { config, network, job }: Props) {
    super(scope, id);
    const { spot } = config.training.gpu;
    const machines = { config, network, ...this.#machine(config) };
    const { queue, queueArn } = namedQueue(this);
    this.queueArn = queueArn;
    const environments = [
      ...(spot ? [this.#environment('Spot', true, machines)] : []),
      this.#environment('OnDemand', false, machines),
    ];
    environments.forEach((environment, i) => queue.addComputeEnvironment(environment, i + 1));
    this.jobDefinitionName = Names.uniqueResourceName(this, { maxLength: 100 });
    new EcsJobDefinition(this, 'Job', {
      jobDefinitionName: this.jobDefinitionName,
      container: new EcsEc2ContainerDefinition(this, 'Container', {
        image: trainingImage(config, 'gpu'),
        cpu: VCPUS,
        memory: MEMORY,
        gpu: 1,
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

  #machine(config: Config): { launchTemplate: LaunchTemplate; instanceRole: Role } {
    const launchTemplate = new LaunchTemplate(this, 'Machine', {
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      // A container is one hop away: it asks for the notice that a Spot instance gets before it is taken away.
      httpPutResponseHopLimit: 2,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(config.training.gpu.diskGb, {
            volumeType: EbsDeviceVolumeType.GP3,
            encrypted: true,
            deleteOnTermination: true,
          }),
        },
      ],
    });
    // Also of the disks: which machines belong to it is seen where EC2 is looked at, and on the bill.
    Tags.of(launchTemplate).add('Name', `${config.name}-training`);
    const instanceRole = new Role(this, 'MachineRole', {
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonEC2ContainerServiceforEC2Role'),
      ],
      description: 'The agent of ECS on the machines of trainings; the containers have a role of their own',
    });
    accept(
      instanceRole,
      'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]',
      'What the agent of ECS asks of AWS is its own affair and changes with it; AWS keeps this policy for it.',
    );
    return { launchTemplate, instanceRole };
  }

  #environment(
    id: string,
    spot: boolean,
    {
      config,
      network,
      launchTemplate,
      instanceRole,
    }: Omit<Props, 'job'> & { launchTemplate: LaunchTemplate; instanceRole: Role },
  ): ManagedEc2EcsComputeEnvironment {
    const { instanceTypes, maxVcpus } = config.training.gpu;
    const { hours } = config.training;
    const environment = new ManagedEc2EcsComputeEnvironment(this, id, {
      vpc: network.vpc,
      vpcSubnets: { subnets: network.vpc.publicSubnets },
      securityGroups: [network.securityGroup],
      instanceTypes: instanceTypes.map((type) => new InstanceType(type)),
      useOptimalInstanceClasses: false,
      spot,
      allocationStrategy: spot
        ? AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED
        : AllocationStrategy.BEST_FIT_PROGRESSIVE,
      minvCpus: 0,
      maxvCpus: maxVcpus,
      images: [{ imageType: EcsMachineImageType.ECS_AL2023_NVIDIA }],
      instanceRole,
      launchTemplate,
      updateToLatestImageVersion: true,
      // A training may take its time; it goes on from its checkpoint only when it has to.
      terminateOnUpdate: false,
      updateTimeout: Duration.hours(Math.min(hours, LONGEST_UPDATE_HOURS)),
    });
    // The construct names no version, and Batch keeps to the first one then: a larger disk would never come.
    (environment.node.defaultChild as CfnComputeEnvironment).addPropertyOverride(
      'ComputeResources.LaunchTemplate.Version',
      launchTemplate.latestVersionNumber,
    );
    return environment;
  }
}
