/** What is measured: by AWS, and by counting in the logs what only Kindred knows. */
import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats, Unit } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IRule } from 'aws-cdk-lib/aws-events';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { ApiStack } from '../stacks/api.ts';
import type { IngestStack } from '../stacks/ingest.ts';
import { LOG_PATTERNS } from './log-patterns.ts';
import type { Trainings } from './training-queue.ts';

export interface Watched {
  readonly api: ApiStack;
  readonly ingest: IngestStack;
  readonly training: Trainings;
}

export interface KindredMetrics {
  readonly requests: IMetric;
  readonly clientErrors: IMetric;
  readonly serverErrors: IMetric;
  readonly latencyP50: IMetric;
  readonly latencyP99: IMetric;
  readonly coldStarts: IMetric;
  readonly coldStartMs: IMetric;
  readonly throttles: IMetric;
  readonly engineSeconds: IMetric;
  readonly pictures: IMetric;
  readonly unknownShare: IMetric;
  readonly queueAge: IMetric;
  readonly queueLength: IMetric;
  readonly deadLetters: IMetric;
  readonly ingestErrors: IMetric;
  readonly rejected: IMetric;
  readonly queueArns: readonly string[];
}

const PERIOD = Duration.minutes(5);

/** Makes the filters that count in the logs. */
export function metricsOf(
  scope: Construct,
  name: string,
  { api, ingest, training }: Watched,
): KindredMetrics {
  const namespace = `Kindred/${name}`;
  const served = api.function.function;
  const taken = ingest.function.function;
  const http = (metricName: string, statistic: string): Metric =>
    new Metric({
      namespace: 'AWS/ApiGateway',
      metricName,
      statistic,
      period: PERIOD,
      dimensionsMap: { ApiId: api.http.api.apiId },
    });
  const count = (id: keyof typeof LOG_PATTERNS, logGroup: ILogGroup, unit: Unit): Metric => {
    const { pattern, value } = LOG_PATTERNS[id];
    const filter = new MetricFilter(scope, id, {
      logGroup,
      metricNamespace: namespace,
      metricName: id,
      filterPattern: FilterPattern.literal(pattern),
      metricValue: value,
      unit,
    });
    return filter.metric({ period: PERIOD, statistic: Stats.SUM });
  };
  const apiLog = api.function.logGroup;
  const coldStartMs = count('ColdStartMs', apiLog, Unit.MILLISECONDS);
  const pictures = count('Pictures', apiLog, Unit.COUNT);
  const unknown = count('Unknown', apiLog, Unit.COUNT);
  const engine = count('EngineSeconds', apiLog, Unit.SECONDS);
  const rejected = count('Rejected', ingest.function.logGroup, Unit.COUNT);
  return {
    requests: http('Count', Stats.SUM),
    clientErrors: http('4xx', Stats.SUM),
    serverErrors: http('5xx', Stats.SUM),
    latencyP50: http('Latency', Stats.p(50)),
    latencyP99: http('Latency', Stats.p(99)),
    coldStarts: coldStartMs.with({ statistic: Stats.SAMPLE_COUNT, label: 'cold starts' }),
    coldStartMs: coldStartMs.with({ statistic: Stats.p(90), label: 'cold start (p90)' }),
    throttles: served.metricThrottles({ period: PERIOD }),
    engineSeconds: engine.with({ statistic: Stats.p(90), label: 'engine and decoding (p90)' }),
    pictures,
    unknownShare: new MathExpression({
      label: 'share of pictures of no known class',
      expression: 'IF(pictures >= 20, unknown / pictures, 0)',
      usingMetrics: { pictures, unknown },
      period: Duration.hours(1),
    }),
    queueAge: ingest.queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: Stats.MAXIMUM }),
    queueLength: ingest.queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
    deadLetters: ingest.deadLetters.metricApproximateNumberOfMessagesVisible({
      period: PERIOD,
      statistic: Stats.MAXIMUM,
    }),
    ingestErrors: taken.metricErrors({ period: PERIOD }),
    rejected,
    queueArns: [training.gpu, training.cpu].flatMap((one) => one?.queueArn ?? []),
  };
}

/** How often a rule of EventBridge told its target. */
export function toldBy(rule: IRule, label: string): IMetric {
  return new Metric({
    namespace: 'AWS/Events',
    metricName: 'Invocations',
    statistic: Stats.SUM,
    period: PERIOD,
    label,
    dimensionsMap: { RuleName: rule.ruleName },
  });
}
