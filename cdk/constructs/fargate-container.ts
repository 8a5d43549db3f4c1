import { Size } from 'aws-cdk-lib';
import type { EcsFargateContainerDefinitionProps } from 'aws-cdk-lib/aws-batch';
import { CpuArchitecture, OperatingSystemFamily } from 'aws-cdk-lib/aws-ecs';
import type { Config } from '../config.ts';
import { trainingImage } from './training-image.ts';

type Fargate = Pick<
  EcsFargateContainerDefinitionProps,
  | 'image'
  | 'cpu'
  | 'memory'
  | 'ephemeralStorageSize'
  | 'fargateCpuArchitecture'
  | 'fargateOperatingSystemFamily'
  | 'assignPublicIp'
>;

/** What every container on the queue without GPUs is like; its command, role and log are its own. */
export function fargateContainer(config: Config): Fargate {
  const { vcpus, memoryMb, diskGb } = config.training.cpu;
  return {
    image: trainingImage(config, 'cpu'),
    cpu: vcpus,
    memory: Size.mebibytes(memoryMb),
    ephemeralStorageSize: Size.gibibytes(diskGb),
    fargateCpuArchitecture: CpuArchitecture.X86_64,
    fargateOperatingSystemFamily: OperatingSystemFamily.LINUX,
    // There is no NAT: without an address of its own it could not fetch its image.
    assignPublicIp: true,
  };
}
