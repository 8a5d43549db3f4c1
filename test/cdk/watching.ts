/** What there is to see, and who is told: the metrics are there, the alarms can go off, and what they say arrives. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { LOG_PATTERNS } from '../../cdk/constructs/log-patterns.ts';
import { countedIn } from '../support/log-patterns.ts';
import { onlyResource, resourcesOf, synthesise, text } from './support.ts';
import type { Synthesised } from './support.ts';

/** What AWS measures by itself, as its guides have it: names, and what a metric is of. */
const AWS_METRICS: Readonly<Record<string, readonly [names: readonly string[], dimension: string]>> = {
  'AWS/ApiGateway': [['Count', '4xx', '5xx', 'Latency', 'IntegrationLatency', 'DataProcessed'], 'ApiId'],
  'AWS/Lambda': [['Invocations', 'Errors', 'Throttles', 'Duration', 'ConcurrentExecutions'], 'FunctionName'],
  'AWS/SQS': [
    [
      'ApproximateAgeOfOldestMessage',
      'ApproximateNumberOfMessagesVisible',
      'ApproximateNumberOfMessagesNotVisible',
      'NumberOfMessagesSent',
    ],
    'QueueName',
  ],
  'AWS/Events': [['Invocations', 'FailedInvocations', 'TriggeredRules', 'DeadLetterInvocations'], 'RuleName'],
};

interface Named {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly string[];
}

interface InAlarm {
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Dimensions?: readonly { readonly Name: string }[];
  readonly MetricStat?: { readonly Metric: InAlarm };
}

function metricOf({ Namespace = '', MetricName = '', Dimensions = [] }: InAlarm): Named {
  return { namespace: Namespace, name: MetricName, dimensions: Dimensions.map(({ Name }) => Name) };
}

function inAlarms(made: Synthesised): Named[] {
  return Object.values(resourcesOf(made.template('observability'), 'AWS::CloudWatch::Alarm')).flatMap(
    ({ Properties }) => {
      const { Metrics } = Properties as { Metrics?: InAlarm[] };
      return (
        Metrics?.flatMap(({ MetricStat }) =>
          MetricStat === undefined ? [] : metricOf(MetricStat.Metric),
        ) ?? [metricOf(Properties)]
      );
    },
  );
}

/** A metric in a dashboard is a row: namespace, name, dimensions and their values, options; a formula has no name. */
function onDashboard(made: Synthesised): Named[] {
  const { Properties } = onlyResource(made.template('observability'), 'AWS::CloudWatch::Dashboard');
  const body = JSON.parse(text(Properties['DashboardBody'])) as {
    widgets: { properties: { metrics: (string | object)[][] } }[];
  };
  return body.widgets
    .flatMap(({ properties }) => properties.metrics)
    .filter(([first]) => typeof first === 'string')
    .map((row) => {
      const words = row.filter((word) => typeof word === 'string');
      const dimensions = words.slice(2).filter((_, i) => i % 2 === 0);
      return { namespace: words[0] ?? '', name: words[1] ?? '', dimensions };
    });
}

/** Of the metrics, those that nobody sends. */
function unknown(made: Synthesised, metrics: readonly Named[]): Named[] {
  const filters = Object.values(
    resourcesOf(made.template('observability'), 'AWS::Logs::MetricFilter'),
  ).flatMap(
    ({ Properties }) =>
      Properties['MetricTransformations'] as { MetricNamespace: string; MetricName: string }[],
  );
  return metrics.filter(({ namespace, name, dimensions }) => {
    const [names, dimension] = AWS_METRICS[namespace] ?? [[], ''];
    const isOfAws = names.includes(name) && dimensions.join() === dimension;
    const isCounted =
      dimensions.length === 0 &&
      filters.some(({ MetricNamespace, MetricName }) => MetricNamespace === namespace && MetricName === name);
    return !isOfAws && !isCounted;
  });
}

export function describeWatching(both: Readonly<Record<string, Synthesised>>): void {
  describe('who watches', () => {
    const made = both['another choice'] as Synthesised;
    const defaults = both['the defaults'] as Synthesised;

    it('is told of dead letters, old messages, errors, slow answers, unknown pictures and failed trainings', () => {
      const template = made.template('observability');
      const alarms = Object.keys(resourcesOf(template, 'AWS::CloudWatch::Alarm'));

      assert.deepEqual(alarms.map((name) => name.replace(/Alarm\w*$/, '')).toSorted(), [
        'DeadLetters',
        'IngestErrors',
        'Latency',
        'QueueAge',
        'ServerErrors',
        'Throttles',
        'Unknown',
      ]);
      template.allResourcesProperties('AWS::CloudWatch::Alarm', {
        AlarmActions: [Match.anyValue()],
        TreatMissingData: 'notBreaching',
      });
      template.hasResourceProperties('AWS::SNS::Subscription', {
        Protocol: 'email',
        Endpoint: 'somebody@shop.example',
      });
      template.hasResourceProperties('AWS::Events::Rule', {
        EventPattern: { source: ['aws.batch'], 'detail-type': ['Batch Job State Change'] },
      });
      template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
      defaults.template('observability').resourceCountIs('AWS::SNS::Subscription', 0);
    });

    it('hears of alarms: a policy of its own takes away the one with which the account may publish to a topic', () => {
      const { Properties } = onlyResource(made.template('observability'), 'AWS::SNS::TopicPolicy');
      const { Statement } = Properties['PolicyDocument'] as {
        Statement: { Effect: string; Principal: { Service?: string }; Action: string; Condition?: unknown }[];
      };
      const allowed = Statement.filter(
        ({ Effect, Action }) => Effect === 'Allow' && Action === 'sns:Publish',
      );

      assert.deepEqual(allowed.map(({ Principal }) => String(Principal.Service)).toSorted(), [
        'cloudwatch.amazonaws.com',
        'events.amazonaws.com',
      ]);
      assert.deepEqual(
        allowed.find(({ Principal }) => Principal.Service?.startsWith('cloudwatch'))?.Condition,
        { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      );
    });

    for (const [name, each] of Object.entries(both)) {
      it(`looks at metrics that are there, of which failed trainings are one: ${name}`, () => {
        const shown = onDashboard(each);

        assert.deepEqual(unknown(each, [...inAlarms(each), ...shown]), []);
        assert.equal(shown.filter(({ namespace }) => namespace === 'AWS/Events').length, 2);
        assert.deepEqual(
          unknown(each, [{ namespace: 'AWS/ApiGateway', name: '5XXError', dimensions: ['ApiId'] }]).length,
          1,
        );
      });
    }

    it('counts in the logs what the tests of the functions find there', () => {
      const filters = Object.values(resourcesOf(made.template('observability'), 'AWS::Logs::MetricFilter'));

      assert.deepEqual(
        Object.fromEntries(
          filters.map(({ Properties }) => {
            const [{ MetricName = '', MetricValue: value } = {}] = Properties['MetricTransformations'] as {
              MetricName?: string;
              MetricValue?: string;
            }[];
            return [MetricName, { pattern: Properties['FilterPattern'], value }];
          }),
        ),
        LOG_PATTERNS,
      );
    });

    it('counts cold starts in what Lambda itself writes of a call (the entry is from its guide)', () => {
      const metrics = { durationMs: 693.92, billedDurationMs: 694, memorySizeMB: 128, maxMemoryUsedMB: 84 };
      const report = (more: object): Record<string, unknown> => ({
        time: '2024-03-13T18:56:24.256Z',
        type: 'platform.report',
        record: {
          requestId: 'a8d5b0bd-1b2b-4f5b-8a2b-3e3f9f9c8a6a',
          metrics: { ...metrics, ...more },
          status: 'success',
        },
      });

      assert.deepEqual(countedIn(report({ initDurationMs: 397.68 })), { ColdStartMs: 397.68 });
      assert.deepEqual(countedIn(report({})), {});
    });

    it('hears of trainings on a queue that was there before, too', (t) => {
      const named = synthesise({ training: { existing: { queue: 'machines', job: 'training' } } });
      t.after(() => named.remove());
      const rules = Object.values(resourcesOf(named.template('observability'), 'AWS::Events::Rule'));

      assert.deepEqual(
        rules.map(({ Properties }) => {
          const { detail } = Properties['EventPattern'] as { detail: { jobQueue: unknown[] } };
          return detail.jobQueue.map(text).map((arn) => arn.replace(/^.*:/, ''));
        }),
        [['job-queue/machines'], ['job-queue/machines']],
      );
    });
  });
}
