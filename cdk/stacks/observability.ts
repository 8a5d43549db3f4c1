/** What there is to see, and who is told when something is wrong: metrics, a dashboard, alarms. */
import { Duration, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { KindredDashboard } from '../constructs/dashboard.ts';
import { metricsOf, toldBy } from '../constructs/metrics.ts';
import type { KindredMetrics, Watched } from '../constructs/metrics.ts';

interface Props extends StackProps, Watched {
  readonly config: Config;
}

export class ObservabilityStack extends Stack {
  /** What alarms and failed trainings are told to. */
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { config, api, ingest, training, ...props }: Props) {
    super(scope, id, props);
    const { email } = config.alarms;
    this.topic = new Topic(this, 'Alarms', { displayName: `Kindred (${config.name})`, enforceSSL: true });
    if (email !== null) this.topic.addSubscription(new EmailSubscription(email));
    const metrics = metricsOf(this, config.name, { api, ingest, training });
    this.#alarms(config, metrics);
    this.#permitAlarms();
    const jobs = this.#trainings(metrics.queueArns);
    new KindredDashboard(this, 'Dashboard', { name: config.name, metrics, jobs });
  }

  /**
   * A topic with a policy of its own has no longer the one that lets the account's services publish: alarms would go off, and nobody be told.
   */
  #permitAlarms(): void {
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
  }

  #alarms({ alarms }: Config, metrics: KindredMetrics): void {
    const alarm = this.#alarm.bind(this);
    alarm(
      'DeadLetters',
      metrics.deadLetters,
      0,
      'Pictures could not be taken up. The log of ingest says why.',
    );
    alarm('QueueAge', metrics.queueAge, alarms.queueAgeSeconds, 'Pictures wait long to be taken up.');
    alarm('ServerErrors', metrics.serverErrors, 5, 'The interface fails. Its log says why.');
    alarm(
      'Throttles',
      metrics.throttles,
      0,
      'Calls are refused: more at once than api.atOnce, or than the account has.',
    );
    alarm(
      'Latency',
      metrics.latencyP99,
      alarms.latencySeconds * 1000,
      'One answer in a hundred takes long.',
      3,
    );
    alarm('IngestErrors', metrics.ingestErrors, 3, 'Ingest fails as a whole. Its log says why.');
    alarm('Unknown', metrics.unknownShare, alarms.unknownShare, 'Many pictures are of no known class.', 3);
  }

  /** Above the threshold in so many periods of five minutes. */
  #alarm(id: string, metric: IMetric, threshold: number, alarmDescription: string, periods = 1): void {
    const alarm = new Alarm(this, `${id}Alarm`, {
      metric,
      threshold,
      alarmDescription,
      evaluationPeriods: periods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
  }

  /** Batch has no metric of failures, but tells them as events, which are counted here. */
  #trainings(queues: readonly string[]): IMetric[] {
    if (queues.length === 0) return [];
    const failed = new Rule(this, 'FailedTrainings', {
      description: 'Trainings and imports that ended badly',
      eventPattern: {
        source: ['aws.batch'],
        detailType: ['Batch Job State Change'],
        // Of an array only as a whole: when one of its parts has failed, thousands may follow.
        detail: {
          status: ['FAILED'],
          jobQueue: [...queues],
          arrayProperties: { index: [{ exists: false }] },
        },
      },
      targets: [
        new SnsTopic(this.topic, {
          message: RuleTargetInput.fromText(
            `The job ${EventField.fromPath('$.detail.jobName')} has failed: ${EventField.fromPath('$.detail.statusReason')}`,
          ),
          retryAttempts: 10,
          maxEventAge: Duration.hours(1),
        }),
      ],
    });
    const blocked = new Rule(this, 'BlockedTrainings', {
      description: 'Trainings and imports that nothing can run',
      eventPattern: {
        source: ['aws.batch'],
        detailType: ['Batch Job Queue Blocked'],
        detail: { jobQueue: [...queues] },
      },
      targets: [
        new SnsTopic(this.topic, {
          message: RuleTargetInput.fromText(
            `The job ${EventField.fromPath('$.detail.jobName')} cannot begin: ${EventField.fromPath('$.detail.statusReason')}`,
          ),
        }),
      ],
    });
    return [toldBy(failed, 'failed'), toldBy(blocked, 'cannot begin')];
  }
}
