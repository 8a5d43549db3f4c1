/** What a deployment has that costs something, as its templates say. */
import type { Kindred } from '../../cdk/kindred.ts';
import { onlyResource, resourcesOf, text } from './support.ts';
import type { Resource, Synthesised } from './support.ts';

const STACKS: readonly (keyof Kindred)[] = ['stateful', 'training', 'api', 'ingest', 'observability'];
/** Megabytes of a function's disk, and gigabytes of a container's on Fargate, that cost nothing. */
const FREE_DISK = { lambdaMb: 512, fargateGb: 20 };

export interface Deployed {
  /** Of all resources. */
  readonly types: readonly string[];
  readonly endpoints: readonly unknown[];
  /** Whether each route of the interface has metrics of its own, which are paid for. */
  readonly routeMetrics: boolean;
  readonly lambdaGb: number;
  readonly lambdaDiskGb: number;
  /** How old what a warm function knows of aliases and galleries may be. */
  readonly lookSeconds: number;
  /** Whether it looks for tokens, too. */
  readonly hasTokens: boolean;
  readonly traced: boolean;
  readonly alarmMetrics: number;
  readonly dashboards: number;
  /** Those that a classification is counted in. */
  readonly metrics: number;
  readonly polledQueues: number;
  readonly logMonths: number;
  readonly fargate: { readonly vcpus: number; readonly gb: number; readonly diskGb: number };
  readonly gpuDiskGb: number;
}

export function deployed(made: Synthesised): Deployed {
  const found = (stack: keyof Kindred, type: string): Resource['Properties'][] =>
    Object.values(resourcesOf(made.template(stack), `AWS::${type}`)).map(({ Properties }) => Properties);
  const only = (stack: keyof Kindred, type: string): Resource['Properties'] =>
    onlyResource(made.template(stack), `AWS::${type}`).Properties;
  const serve = only('api', 'Lambda::Function');
  const { Variables } = serve['Environment'] as { Variables: Record<string, string> };
  const { Mode: tracing } = (serve['TracingConfig'] ?? {}) as { Mode?: string };
  const { DetailedMetricsEnabled = false } = only('api', 'ApiGatewayV2::Stage')['DefaultRouteSettings'] as {
    DetailedMetricsEnabled?: boolean;
  };
  return {
    types: STACKS.flatMap((stack) => {
      const { Resources } = made.template(stack).toJSON() as { Resources: Record<string, Resource> };
      return Object.values(Resources).map(({ Type }) => Type);
    }),
    endpoints: found('training', 'EC2::VPCEndpoint').map(({ VpcEndpointType }) => VpcEndpointType),
    routeMetrics: DetailedMetricsEnabled,
    lambdaGb: Number(serve['MemorySize']) / 1024,
    lambdaDiskGb: ((serve['EphemeralStorage'] as { Size: number }).Size - FREE_DISK.lambdaMb) / 1024,
    lookSeconds: Number(Variables['KINDRED_LOOK_MS']) / 1000,
    hasTokens: Variables['KINDRED_AUTH'] === 'tokens',
    traced: tracing === 'Active',
    alarmMetrics: found('observability', 'CloudWatch::Alarm').reduce(
      (sum, alarm) => sum + metricsOf(alarm),
      0,
    ),
    dashboards: found('observability', 'CloudWatch::Dashboard').length,
    metrics: found('observability', 'Logs::MetricFilter').filter(({ LogGroupName }) =>
      text(LogGroupName).startsWith('ServeLog'),
    ).length,
    polledQueues: found('ingest', 'Lambda::EventSourceMapping').length,
    logMonths: Number(only('ingest', 'Logs::LogGroup')['RetentionInDays']) / 30,
    fargate: containerOf(found('training', 'Batch::JobDefinition')),
    gpuDiskGb: diskOf(only('training', 'EC2::LaunchTemplate')),
  };
}

/** An alarm on a formula is paid for by the metrics in it. */
function metricsOf({ Metrics }: Resource['Properties']): number {
  if (Metrics === undefined) return 1;
  return (Metrics as { MetricStat?: unknown }[]).filter(({ MetricStat }) => MetricStat !== undefined).length;
}

/** Of the trainings on Fargate. */
function containerOf(jobs: readonly Resource['Properties'][]): Deployed['fargate'] {
  const job = jobs.find(({ PlatformCapabilities }) => String(PlatformCapabilities) === 'FARGATE');
  if (job === undefined) throw new Error('The templates have no training on Fargate.');
  const { ResourceRequirements, EphemeralStorage } = job['ContainerProperties'] as {
    ResourceRequirements: { Type: string; Value: string }[];
    EphemeralStorage: { SizeInGiB: number };
  };
  const needed = new Map(ResourceRequirements.map(({ Type, Value }) => [Type, Number(Value)]));
  return {
    vcpus: needed.get('VCPU') ?? Number.NaN,
    gb: (needed.get('MEMORY') ?? Number.NaN) / 1024,
    diskGb: EphemeralStorage.SizeInGiB - FREE_DISK.fargateGb,
  };
}

/** Gigabytes, all of which have to be gp3. */
function diskOf({ LaunchTemplateData }: Resource['Properties']): number {
  const { BlockDeviceMappings } = LaunchTemplateData as {
    BlockDeviceMappings: { Ebs: { VolumeSize: number; VolumeType: string } }[];
  };
  return BlockDeviceMappings.reduce((sum, { Ebs: { VolumeSize, VolumeType } }) => {
    if (VolumeType !== 'gp3') throw new Error(`docs/prices.json has no price of a disk "${VolumeType}".`);
    return sum + VolumeSize;
  }, 0);
}
