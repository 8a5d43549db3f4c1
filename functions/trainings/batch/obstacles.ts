/** Why a job of AWS Batch has not begun, told from what Batch, EC2 and Service Quotas say. Asks nobody. */
import type { Obstacle } from '../trainings.ts';

export interface Environment {
  readonly name: string;
  readonly type: 'EC2' | 'SPOT' | 'FARGATE' | 'FARGATE_SPOT';
  readonly enabled: boolean;
  readonly valid: boolean;
  /** What Batch says about it. */
  readonly reason: string;
  readonly maxVcpus: number;
  readonly instanceTypes: readonly string[];
}

/** Of virtual processors that may run at once. */
export interface Quota {
  readonly code: string;
  readonly service: 'ec2' | 'fargate';
  readonly name: string;
  readonly value: number;
}

export interface Facts {
  /** Of the job: what Batch says it is doing, and why. */
  readonly status: string;
  readonly reason: string;
  /** Virtual processors that it needs. */
  readonly vcpus: number;
  readonly queue: { readonly enabled: boolean; readonly valid: boolean; readonly reason: string };
  readonly environments: readonly Environment[];
  /** By environment; null where it could not be found out. */
  readonly quotas: ReadonlyMap<string, Quota | null>;
  /** Which of the environments' types of instances the region has; null where that could not be found out. */
  readonly offered: ReadonlySet<string> | null;
  /** Others in the queue that run, or were there before. */
  readonly before: number;
}

/** From the surest to the vaguest; never empty for a job that waits. */
export function obstaclesOf(facts: Facts): Obstacle[] {
  if (facts.status === 'STARTING') return [starting('The container is being started: its image is fetched.')];
  const found = [
    ...queueObstacles(facts),
    ...facts.environments.flatMap(environmentObstacles),
    ...quotaObstacles(facts),
    ...offerObstacles(facts),
    ...saidObstacles(facts.reason),
  ];
  if (found.length > 0) return found;
  if (facts.before > 0)
    return [{ code: 'its-turn', message: `${facts.before} in the queue are before it, or at work.` }];
  return [starting('Nothing is in the way: a machine is being asked for, which takes some minutes.')];
}

const starting = (message: string): Obstacle => ({ code: 'starting', message });

function queueObstacles({ queue, environments }: Facts): Obstacle[] {
  if (!queue.enabled)
    return [
      { code: 'disabled', message: 'The job queue is disabled. Enable it, or deploy the stack again.' },
    ];
  if (!queue.valid)
    return [{ code: 'misconfigured', message: `The job queue is not valid: ${said(queue.reason)}` }];
  if (environments.length > 0 && environments.every(({ enabled }) => !enabled))
    return [
      {
        code: 'disabled',
        message: 'All compute environments of the queue are disabled. Enable one, or deploy the stack again.',
      },
    ];
  return [];
}

const ROLE = /assume|not authorized|unauthorized|access ?denied|permission|\brole\b|instance profile/i;

function environmentObstacles({ name, valid, reason }: Environment): Obstacle[] {
  if (valid) return [];
  const code = ROLE.test(reason) ? 'wrong-role' : 'misconfigured';
  return [{ code, message: `The compute environment ${name} is not valid: ${said(reason)}` }];
}

/** Only when none of the environments may start what the job needs: one of them is enough. */
function quotaObstacles({ environments, quotas, vcpus }: Facts): Obstacle[] {
  const usable = environments.filter(({ enabled, valid }) => enabled && valid);
  const short = usable.flatMap((environment) => {
    const quota = quotas.get(environment.name);
    const needed = Math.max(vcpus, smallestOf(environment));
    return quota && quota.value < needed ? [{ ...quota, needed }] : [];
  });
  if (short.length === 0 || short.length < usable.length) return [];
  return short.map(({ service, name, code, value, needed }) => ({
    code: 'no-quota',
    message:
      `The account may run ${value} virtual processors of "${name}", and ` +
      (needed > vcpus ? `the smallest of the machines has ${needed}` : `the training needs ${needed}`) +
      `. Ask for more: aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} ` +
      `--desired-value ${Math.max(needed, 8)}`,
  }));
}

/** Virtual processors of the smallest machine that may be started: a whole one counts against the quota. 0 where that is not known. */
function smallestOf({ instanceTypes }: Environment): number {
  const sizes = instanceTypes.map((type) => {
    const times = /\.(\d*)xlarge$/.exec(type)?.[1];
    return times === undefined ? 0 : 4 * Number(times === '' ? 1 : times);
  });
  return sizes.length === 0 ? 0 : Math.min(...sizes);
}

function offerObstacles({ environments, offered }: Facts): Obstacle[] {
  const types = environments.flatMap(({ instanceTypes }) => instanceTypes);
  if (offered === null || types.length === 0 || types.some((type) => offered.has(type))) return [];
  return [
    {
      code: 'not-offered',
      message: `The region has none of ${[...new Set(types)].join(', ')}. Choose others in the configuration, or another region.`,
    },
  ];
}

/** What Batch says itself about a job at the head of a queue that is blocked. */
const SAID: readonly (readonly [RegExp, Obstacle['code'], string])[] = [
  [
    /^CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY/,
    'no-capacity',
    'It goes on trying; more types of instances, or more availability zones, make it likelier.',
  ],
  [
    /^MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS/,
    'wrong-role',
    'Compare the role with what AWS gives to Batch.',
  ],
  [/^MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE/, 'too-large', 'Raise maxVcpus in the configuration.'],
  [/^MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT/, 'too-large', 'Add larger instances in the configuration.'],
  [/^MISCONFIGURATION:/, 'misconfigured', 'Look at instance types and zones in the configuration.'],
  [/^ACTION_REQUIRED/, 'misconfigured', 'Look at the compute environments in the console of Batch.'],
  [/^UNDETERMINED/, 'unknown', 'See "Jobs stuck in a RUNNABLE status" in the guide of AWS Batch.'],
];

function saidObstacles(reason: string): Obstacle[] {
  const known = SAID.find(([pattern]) => pattern.test(reason));
  if (known === undefined) return [];
  const [, code, advice] = known;
  return [{ code, message: `Batch says: ${said(reason)} ${advice}` }];
}

/** As a sentence. */
function said(reason: string): string {
  const text = reason.trim();
  if (text === '') return 'it does not say why.';
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
