/** What AWS says about a queue, asked now and then: the same is shown to everybody who follows a training. */
import {
  DescribeComputeEnvironmentsCommand,
  DescribeJobQueuesCommand,
  ListJobsCommand,
} from '@aws-sdk/client-batch';
import type {
  BatchClient,
  CRType,
  ComputeEnvironmentDetail,
  JobDetail,
  JobStatus,
} from '@aws-sdk/client-batch';
import type { Environment, Facts, Quota } from './obstacles.ts';

export interface FactsOptions {
  readonly client: BatchClient;
  readonly trouble: (error: unknown) => void;
}

/** What of a job is looked at. */
type Asked = Pick<JobDetail, 'jobQueue' | 'jobId' | 'status' | 'statusReason' | 'createdAt' | 'container'>;

const ENVIRONMENT_MS = 15_000;
/** Quotas and what a region offers change by the day. */
const ACCOUNT_MS = 600_000;

/** Which quota counts for which machines. */
const QUOTAS = {
  ondemand: {
    g: ['ec2', 'L-DB2E81BA', 'Running On-Demand G and VT instances'],
    p: ['ec2', 'L-417A185B', 'Running On-Demand P instances'],
    standard: ['ec2', 'L-1216C47A', 'Running On-Demand Standard instances'],
    fargate: ['fargate', 'L-3032A538', 'Fargate On-Demand vCPU resource count'],
  },
  spot: {
    g: ['ec2', 'L-3819A6DF', 'All G and VT Spot Instance Requests'],
    p: ['ec2', 'L-7212CCBC', 'All P Spot Instance Requests'],
    standard: ['ec2', 'L-34B43A08', 'All Standard Spot Instance Requests'],
    fargate: ['fargate', 'L-36FBB829', 'Fargate Spot vCPU resource count'],
  },
} as const satisfies Record<string, Record<string, readonly ['ec2' | 'fargate', string, string]>>;

type QuotaName = (typeof QUOTAS)['ondemand' | 'spot'][keyof (typeof QUOTAS)['spot']];

export class BatchFacts {
  readonly #options: FactsOptions;
  readonly #kept = new Map<string, { readonly until: number; readonly value: Promise<unknown> }>();

  constructor(options: FactsOptions) {
    this.#options = options;
  }

  /** @param detail of a job that waits */
  async of(detail: Asked): Promise<Facts> {
    const queue = detail.jobQueue ?? '';
    const [about, before] = await Promise.all([
      this.#keep(`queue ${queue}`, ENVIRONMENT_MS, () => this.#about(queue)),
      this.#keep(`line ${queue}`, ENVIRONMENT_MS, () => this.#line(queue)),
    ]);
    const types = about.environments.flatMap(({ instanceTypes }) => instanceTypes).toSorted();
    const quotas = await Promise.all(
      about.environments.map(async (one) => [one.name, await this.#quotaOf(one)] as const),
    );
    const offered = await this.#keep(`types ${types.join()}`, ACCOUNT_MS, () => this.#offered(types));
    return {
      status: detail.status ?? '',
      reason: detail.statusReason ?? '',
      vcpus: vcpusOf(detail),
      ...about,
      quotas: new Map(quotas),
      offered,
      before: before.filter(
        ({ jobId, createdAt = 0 }) => jobId !== detail.jobId && createdAt <= (detail.createdAt ?? 0),
      ).length,
    };
  }

  /** Asks at most so often; who asks at the same time gets the same. */
  async #keep<T>(name: string, ms: number, ask: () => Promise<T>): Promise<T> {
    const now = Date.now();
    const found = this.#kept.get(name);
    if (found !== undefined && found.until > now) return found.value as Promise<T>;
    const value = ask();
    this.#kept.set(name, { until: now + ms, value });
    value.catch(() => this.#kept.delete(name));
    return value;
  }

  async #about(queue: string): Promise<Pick<Facts, 'queue' | 'environments'>> {
    const { client } = this.#options;
    const { jobQueues: [found] = [] } = await client.send(
      new DescribeJobQueuesCommand({ jobQueues: [queue] }),
    );
    const names = (found?.computeEnvironmentOrder ?? []).flatMap(
      ({ computeEnvironment: name }) => name ?? [],
    );
    const { computeEnvironments = [] } =
      names.length === 0
        ? {}
        : await client.send(new DescribeComputeEnvironmentsCommand({ computeEnvironments: names }));
    return {
      queue: {
        enabled: found?.state !== 'DISABLED',
        valid: found !== undefined && found.status !== 'INVALID',
        reason: found === undefined ? 'There is no such queue.' : (found.statusReason ?? ''),
      },
      environments: computeEnvironments.map(environmentOf),
    };
  }

  /** Those that run, and those that wait for it. */
  async #line(queue: string): Promise<readonly { readonly jobId?: string; readonly createdAt?: number }[]> {
    const lists = await Promise.all(
      (['RUNNABLE', 'STARTING', 'RUNNING'] satisfies JobStatus[]).map(async (jobStatus) => {
        const listed = await this.#options.client.send(new ListJobsCommand({ jobQueue: queue, jobStatus }));
        return (listed.jobSummaryList ?? []).map(({ jobId = '', createdAt = 0 }) => ({ jobId, createdAt }));
      }),
    );
    return lists.flat();
  }

  async #quotaOf(environment: Environment): Promise<Quota | null> {
    const name = quotaNameOf(environment);
    if (name === null) return null;
    const [service, code, words] = name;
    const value = await this.#keep(`quota ${code}`, ACCOUNT_MS, () => this.#quota(service, code));
    return value === null ? null : { service, code, name: words, value };
  }

  /** Null where that could not be found out; a training must not fail for it. */
  async #quota(service: string, code: string): Promise<number | null> {
    try {
      return await (await import('./account.ts')).quotaValue(service, code);
    } catch (error) {
      this.#options.trouble(error);
      return null;
    }
  }

  async #offered(types: readonly string[]): Promise<ReadonlySet<string> | null> {
    if (types.length === 0) return null;
    try {
      return await (await import('./account.ts')).offeredTypes(types);
    } catch (error) {
      this.#options.trouble(error);
      return null;
    }
  }
}

function environmentOf(detail: ComputeEnvironmentDetail): Environment {
  const { computeEnvironmentName: name = '', state, status, statusReason = '', computeResources } = detail;
  return {
    name,
    type: kindOfEnvironment(computeResources?.type),
    enabled: state !== 'DISABLED',
    valid: status !== 'INVALID',
    reason: statusReason,
    maxVcpus: computeResources?.maxvCpus ?? 0,
    instanceTypes: computeResources?.instanceTypes ?? [],
  };
}

/** What others there are, nobody's stack here makes. */
function kindOfEnvironment(type: CRType | undefined): Environment['type'] {
  return type === 'SPOT' || type === 'FARGATE' || type === 'FARGATE_SPOT' ? type : 'EC2';
}

/** Null where machines of several kinds may be taken. */
export function quotaNameOf({
  type,
  instanceTypes,
}: Pick<Environment, 'type' | 'instanceTypes'>): QuotaName | null {
  const names = QUOTAS[type === 'SPOT' || type === 'FARGATE_SPOT' ? 'spot' : 'ondemand'];
  if (type === 'FARGATE' || type === 'FARGATE_SPOT') return names.fargate;
  const [kind, ...others] = new Set(instanceTypes.map(kindOf));
  return kind === undefined || others.length > 0 ? null : names[kind];
}

function kindOf(instanceType: string): 'g' | 'p' | 'standard' {
  if (/^(gr?|vt)\d/.test(instanceType)) return 'g';
  return /^p\d/.test(instanceType) ? 'p' : 'standard';
}

function vcpusOf({ container }: Asked): number {
  const required = container?.resourceRequirements?.find(({ type }) => type === 'VCPU')?.value;
  return Number(required ?? container?.vcpus ?? 1);
}
