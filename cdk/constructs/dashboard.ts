import { Dashboard, GraphWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { KindredMetrics } from './metrics.ts';

interface Props {
  readonly name: string;
  readonly metrics: KindredMetrics;
  /** Of trainings and imports; none where there is nothing that runs them. */
  readonly jobs: readonly IMetric[];
}

export class KindredDashboard extends Construct {
  constructor(scope: Construct, id: string, { name, metrics, jobs }: Props) {
    super(scope, id);
    const graph = (title: string, left: readonly IMetric[], right: readonly IMetric[] = []): GraphWidget =>
      new GraphWidget({ title, left: [...left], right: [...right], width: 8, height: 6 });
    new Dashboard(this, 'Dashboard', {
      dashboardName: name,
      widgets: [
        [
          graph(
            'Requests',
            [metrics.requests, metrics.clientErrors, metrics.serverErrors],
            [metrics.throttles],
          ),
          graph('Latency', [metrics.latencyP50, metrics.latencyP99]),
          graph('Cold starts', [metrics.coldStarts], [metrics.coldStartMs]),
        ],
        [
          graph('Pictures', [metrics.pictures], [metrics.unknownShare]),
          graph('Engine', [metrics.engineSeconds]),
          graph(
            'Ingest',
            [metrics.queueLength, metrics.deadLetters, metrics.rejected, metrics.ingestErrors],
            [metrics.queueAge],
          ),
        ],
        ...(jobs.length === 0 ? [] : [[graph('Trainings and imports', jobs)]]),
      ],
    });
  }
}
