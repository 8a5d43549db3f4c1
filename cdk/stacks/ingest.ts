/** From the bucket into the galleries: S3 -> EventBridge -> SQS -> function, and what fails again and again beside it. */
import { Duration, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { Match, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { KindredFunction } from '../constructs/kindred-function.ts';
import { ingestPermissions } from '../constructs/store-permissions.ts';
import { MESSAGE_DAYS, VISIBILITY } from '../limits.ts';

interface Props extends StackProps {
  readonly config: Config;
  readonly bucket: Bucket;
  readonly registry: string;
}

export class IngestStack extends Stack {
  readonly function: KindredFunction;
  readonly queue: Queue;
  /** Messages that failed as often as they may. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { config, bucket, registry, ...props }: Props) {
    super(scope, id, props);
    const { memoryMb, timeoutSeconds, batchSize, atOnce, attempts } = config.ingest;
    const safe = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetters = new Queue(this, 'DeadLetters', {
      ...safe,
      retentionPeriod: Duration.days(config.retention.deadLetterDays),
    });
    this.queue = new Queue(this, 'Pictures', {
      ...safe,
      visibilityTimeout: Duration.seconds(VISIBILITY * timeoutSeconds),
      retentionPeriod: Duration.days(MESSAGE_DAYS),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: attempts },
    });
    this.function = new KindredFunction(this, 'Ingest', {
      config,
      description: 'Kindred: takes up pictures that are put into data sets',
      handler: 'ingest.handler',
      memoryMb,
      timeoutSeconds,
      registry,
      environment: {},
      permissions: ingestPermissions(bucket),
    });
    this.function.function.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize,
        maxBatchingWindow: Duration.seconds(1),
        maxConcurrency: atOnce,
        reportBatchItemFailures: true,
      }),
    );
    new Rule(this, 'Rule', {
      description: 'Pictures of data sets that come or go; what ingest writes is not among them',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created', 'Object Deleted'],
        detail: {
          bucket: { name: [bucket.bucketName] },
          object: { key: Match.prefix('datasets/') },
        },
      },
      targets: [new SqsQueue(this.queue, { deadLetterQueue: this.deadLetters })],
    });
  }
}
