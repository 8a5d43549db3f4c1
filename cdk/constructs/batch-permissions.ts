import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Permission } from './permissions.ts';
import type { TrainingQueue } from './training-queue.ts';

/** To submit trainings and imports, to see what becomes of them, and why they wait. */
export function batchPermissions(scope: Construct, queues: readonly TrainingQueue[]): Permission[] {
  if (queues.length === 0) return [];
  const stack = Stack.of(scope);
  const arn = (resource: string): string => stack.formatArn({ service: 'batch', resource });
  return [
    {
      actions: ['batch:SubmitJob'],
      resources: [
        ...new Set(queues.map(({ queueArn }) => queueArn)),
        ...queues.flatMap(({ jobDefinitionName }) => [
          arn(`job-definition/${jobDefinitionName}`),
          arn(`job-definition/${jobDefinitionName}:*`),
        ]),
      ],
      why: 'The newest revision of the job definition is taken, which changes with every image.',
    },
    {
      actions: ['batch:TerminateJob'],
      resources: [arn('job/*')],
      why: 'Jobs get their ids when they are submitted; it terminates only those that the registry says are its own.',
    },
    {
      actions: [
        'batch:DescribeComputeEnvironments',
        'batch:DescribeJobQueues',
        'batch:DescribeJobs',
        'batch:ListJobs',
        'ec2:DescribeInstanceTypeOfferings',
        'servicequotas:GetServiceQuota',
      ],
      resources: ['*'],
      why: 'These only read, and know no resource; they tell what became of a training, and why one has not begun.',
    },
  ];
}
