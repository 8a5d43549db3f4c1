/** The role of trainings, and the log and the rules for attempts that they share with imports. */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Action, Reason, RetryStrategy } from 'aws-cdk-lib/aws-batch';
import { LogDriver } from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { acceptWildcards, permit } from './permissions.ts';
import { READ } from './store-permissions.ts';

export interface TrainingJobProps {
  readonly config: Config;
  readonly bucket: Bucket;
  readonly registry: string;
}

/** What the container's program ends with when it was interrupted and can be gone on with; see functions/trainings/container.ts. */
const INTERRUPTED = '75';

export class TrainingJob extends Construct {
  readonly role: Role;
  readonly executionRole: Role;
  readonly logGroup: LogGroup;
  readonly logging: LogDriver;
  /** The container's arguments; "Ref::job" is the id that the job was submitted with. */
  readonly command: string[];
  readonly retryAttempts: number;
  /** Only what took the machine away is tried again: all else would fail again, and cost again. */
  readonly retryStrategies = [
    RetryStrategy.of(Action.RETRY, Reason.SPOT_INSTANCE_RECLAIMED),
    RetryStrategy.of(Action.RETRY, Reason.custom({ onStatusReason: 'Your Spot Task was interrupted*' })),
    RetryStrategy.of(Action.RETRY, Reason.custom({ onExitCode: INTERRUPTED })),
    RetryStrategy.of(Action.EXIT, Reason.custom({ onReason: '*' })),
  ];

  constructor(scope: Construct, id: string, { config, bucket, registry }: TrainingJobProps) {
    super(scope, id);
    this.command = ['train', '--resume', 'Ref::job', '--registry', registry, '--json'];
    this.retryAttempts = config.training.attempts;
    this.logGroup = new LogGroup(this, 'Log', {
      retention: config.retention.logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.logging = LogDriver.awsLogs({ logGroup: this.logGroup, streamPrefix: 'training' });
    const assumedBy = new ServicePrincipal('ecs-tasks.amazonaws.com');
    this.role = new Role(this, 'Role', { assumedBy, description: 'What a training may do' });
    this.executionRole = new Role(this, 'ExecutionRole', {
      assumedBy,
      description: 'Fetches the image and writes the log of trainings',
    });
    if (config.training.image === null)
      acceptWildcards(
        this.executionRole,
        ['*'],
        'ecr:GetAuthorizationToken, with which an image is fetched, knows no resource.',
      );
    this.#permitStore(bucket, config.training.dataBuckets);
  }

  #permitStore(bucket: Bucket, others: readonly string[]): void {
    permit(this.role, [
      // With a condition on prefixes S3 would answer that access is denied where something does not exist.
      { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
      {
        actions: ['s3:GetObject'],
        resources: READ.map((keys) => bucket.arnForObjects(keys)),
        why: 'A training reads the pictures, versions and jobs that it is asked for by name; not tokens.',
      },
      {
        actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
        resources: ['models/*', 'jobs/*', 'blobs/*'].map((keys) => bucket.arnForObjects(keys)),
        why: 'A training writes the version that it makes, the weights it shares and its own job, whose names do not exist yet; not datasets, not tokens.',
      },
      {
        actions: ['s3:DeleteObject'],
        resources: ['models/*', 'jobs/*'].map((keys) => bucket.arnForObjects(keys)),
        why: 'A training removes its own intermediate files, whose names do not exist yet; no shared weights.',
      },
    ]);
    for (const resource of others) {
      const arn = Stack.of(this).formatArn({ service: 's3', region: '', account: '', resource });
      permit(this.role, [
        { actions: ['s3:ListBucket'], resources: [arn] },
        {
          actions: ['s3:GetObject'],
          resources: [`${arn}/*`],
          why: 'The configuration lets trainings read the pictures in this bucket.',
        },
      ]);
    }
  }
}
