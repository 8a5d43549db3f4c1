import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failureOf } from '../../../functions/trainings/batch/failure.ts';
import { quotaNameOf } from '../../../functions/trainings/batch/facts.ts';
import { obstaclesOf } from '../../../functions/trainings/batch/obstacles.ts';
import type { Environment, Facts, Quota } from '../../../functions/trainings/batch/obstacles.ts';

const SPOT: Environment = {
  name: 'spot',
  type: 'SPOT',
  enabled: true,
  valid: true,
  reason: 'ComputeEnvironment Healthy',
  maxVcpus: 16,
  instanceTypes: ['g6.xlarge', 'g5.xlarge'],
};
const ON_DEMAND: Environment = { ...SPOT, name: 'on-demand', type: 'EC2' };
const quota = (code: string, value: number): Quota => ({ code, service: 'ec2', name: 'G and VT', value });
const ENOUGH: Facts['quotas'] = new Map([
  ['spot', quota('L-3819A6DF', 8)],
  ['on-demand', quota('L-DB2E81BA', 8)],
]);

const facts = (changes: Partial<Facts>): Facts => ({
  status: 'RUNNABLE',
  reason: '',
  vcpus: 4,
  queue: { enabled: true, valid: true, reason: '' },
  environments: [SPOT, ON_DEMAND],
  quotas: ENOUGH,
  offered: new Set(['g5.xlarge']),
  before: 0,
  ...changes,
});

const CASES: Readonly<Record<string, [facts: Partial<Facts>, codes: string[], says: RegExp]>> = {
  'nothing that is known': [{}, ['starting'], /some minutes/],
  'its image, which is fetched': [{ status: 'STARTING' }, ['starting'], /image/],
  'those before it': [{ before: 3 }, ['its-turn'], /^3 in the queue/],
  'a queue that is disabled': [
    { queue: { enabled: false, valid: true, reason: '' } },
    ['disabled'],
    /job queue is disabled/,
  ],
  'environments that are all disabled': [
    { environments: [SPOT, ON_DEMAND].map((one) => ({ ...one, enabled: false })) },
    ['disabled'],
    /compute environments/,
  ],
  'nothing, where one of two environments is disabled': [
    { environments: [{ ...SPOT, enabled: false }, ON_DEMAND] },
    ['starting'],
    /./,
  ],
  'a role that Batch may not take': [
    {
      environments: [
        {
          ...SPOT,
          valid: false,
          reason:
            'CLIENT_ERROR - User: arn:aws:sts::1:assumed-role/x/aws-batch is not authorized to perform: ecs:CreateCluster',
        },
        ON_DEMAND,
      ],
    },
    ['wrong-role'],
    /spot is not valid: CLIENT_ERROR.*ecs:CreateCluster\.$/,
  ],
  'an environment that is set up wrongly': [
    { environments: [{ ...SPOT, valid: false, reason: 'CLIENT_ERROR - Launch template not found' }] },
    ['misconfigured'],
    /Launch template not found/,
  ],
  'quotas of none for all environments': [
    {
      quotas: new Map([
        ['spot', quota('L-3819A6DF', 0)],
        ['on-demand', quota('L-DB2E81BA', 0)],
      ]),
    },
    ['no-quota', 'no-quota'],
    /may run 0 virtual processors.*needs 4.*request-service-quota-increase --service-code ec2 --quota-code L-3819A6DF/,
  ],
  'a quota that no machine of the chosen types fits into': [
    {
      environments: [SPOT, ON_DEMAND].map((one) => ({
        ...one,
        instanceTypes: ['g5.12xlarge', 'g6.4xlarge'],
      })),
      offered: null,
    },
    ['no-quota', 'no-quota'],
    /may run 8 virtual processors.*smallest of the machines has 16\. .*--desired-value 16$/,
  ],
  'nothing, where one of the chosen types fits into the quota': [
    {
      environments: [SPOT, ON_DEMAND].map((one) => ({
        ...one,
        instanceTypes: ['g5.12xlarge', 'g5.2xlarge'],
      })),
      offered: new Set(['g5.2xlarge']),
    },
    ['starting'],
    /./,
  ],
  'nothing, where the quota of one environment is enough': [
    { quotas: new Map([...ENOUGH, ['spot', quota('L-3819A6DF', 0)]]) },
    ['starting'],
    /./,
  ],
  'nothing, where the quotas are not known': [{ quotas: new Map() }, ['starting'], /./],
  'machines that the region has not': [
    { offered: new Set() },
    ['not-offered'],
    /none of g6\.xlarge, g5\.xlarge/,
  ],
  'nothing, where it is not known what the region has': [{ offered: null }, ['starting'], /./],
  'Spot capacity that there is not': [
    {
      reason:
        'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type [g5.xlarge]',
    },
    ['no-capacity'],
    /\[g5\.xlarge\]\. It goes on trying/,
  ],
  'a limit that is too small': [
    {
      reason:
        'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot meet the CPU requirement of the job.',
    },
    ['too-large'],
    /maxVcpus/,
  ],
  'a machine that is too small': [
    {
      reason:
        'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than that can be met by the CE(s) attached to the job queue.',
    },
    ['too-large'],
    /larger instances/,
  ],
  'a service role that lacks rights': [
    { reason: 'MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS – Batch service role has a permission issue.' },
    ['wrong-role'],
    /permission issue/,
  ],
  'what Batch does not know either': [
    { reason: 'UNDETERMINED - Batch job is blocked, root cause is undetermined.' },
    ['unknown'],
    /RUNNABLE/,
  ],
};

describe('a job of Batch that has not begun waits for', () => {
  for (const [what, [changes, codes, says]] of Object.entries(CASES)) {
    it(what, () => {
      const found = obstaclesOf(facts(changes));

      assert.deepEqual(
        found.map(({ code }) => code),
        codes,
      );
      assert.match(found[0]?.message ?? '', says);
    });
  }
});

describe('the quota that counts', () => {
  it('is the one of the machines that may be started, if they are of one kind', () => {
    const of = (type: Environment['type'], instanceTypes: string[]): string | undefined =>
      quotaNameOf({ type, instanceTypes })?.[2];

    assert.deepEqual(
      [
        of('SPOT', ['g6.xlarge', 'gr6.4xlarge', 'g4dn.xlarge']),
        of('EC2', ['gr6.4xlarge']),
        of('EC2', ['p5.48xlarge']),
        of('SPOT', ['m5.xlarge']),
        of('FARGATE_SPOT', []),
        of('EC2', ['g6.xlarge', 'p4d.24xlarge']),
      ],
      [
        'All G and VT Spot Instance Requests',
        'Running On-Demand G and VT instances',
        'Running On-Demand P instances',
        'All Standard Spot Instance Requests',
        'Fargate Spot vCPU resource count',
        undefined,
      ],
    );
  });
});

const FAILURES: Readonly<Record<string, [Parameters<typeof failureOf>[0], code: string]>> = {
  'an image that is not there': [
    {
      statusReason: 'Task failed to start',
      container: {
        reason: 'CannotPullContainerError: pull image manifest has been retried 1 time(s): not found',
      },
    },
    'image-missing',
  ],
  'a role that cannot be taken': [
    {
      statusReason:
        "ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided for this task.",
    },
    'wrong-role',
  ],
  'too little memory': [
    {
      statusReason: 'Essential container in task exited',
      container: { exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' },
    },
    'out-of-memory',
  ],
  'its time': [{ statusReason: 'Job attempt duration exceeded timeout' }, 'timed-out'],
  'a machine that was taken away': [{ statusReason: 'Host EC2 (instance i-0a) terminated.' }, 'interrupted'],
  'nothing that is known': [{}, 'unexpected'],
};

describe('a job of Batch that has failed failed for', () => {
  for (const [what, [detail, code]] of Object.entries(FAILURES)) {
    it(what, () => {
      const failure = failureOf(detail);

      assert.equal(failure.code, code);
      if (detail.statusReason !== undefined) assert.ok(failure.message.includes(detail.statusReason));
    });
  }
});
