/** What outlives every deployment: the pictures and the registry. */
import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  HttpMethods,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { CfnBucket, LifecycleRule } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { accept } from '../constructs/permissions.ts';

const RULES = ['unfinished-uploads', 'overwritten-and-deleted', 'delete-markers', 'checkpoints', 'progress'];
/** What an upload has to say (core/storage/s3/client.ts). */
const UPLOADED_WITH = ['content-type', 'if-match', 'if-none-match', 'x-amz-checksum-sha256'];
/** Documents of a job are smaller, what a checkpoint keeps is larger. */
const MIB = 1024 * 1024;

export class StatefulStack extends Stack {
  /** Data sets and registry: docs/architecture.md has the keys. */
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { config, ...props }: StackProps & { readonly config: Config }) {
    super(scope, id, props);
    const { origins } = config.api;
    this.bucket = new Bucket(this, 'Store', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      // Aliases, job documents and pictures are overwritten or deleted by mistakes as well as by intent.
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: lifecycle(config),
      cors:
        origins.length === 0
          ? []
          : [
              {
                allowedOrigins: origins,
                // Uploads at addresses that the interface gives out; pictures are not read from here.
                allowedMethods: [HttpMethods.PUT],
                allowedHeaders: UPLOADED_WITH,
                maxAge: 3600,
              },
            ],
    });
    const resource = this.bucket.node.defaultChild as CfnBucket;
    // The property of the construct would add a function of its own that only sets this.
    resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    // CloudFormation wants the number as text, which the construct does not know.
    resource.addPropertyOverride(
      `LifecycleConfiguration.Rules.${RULES.indexOf('checkpoints')}.ObjectSizeGreaterThan`,
      String(MIB),
    );
    accept(
      this.bucket,
      'S1',
      'Nobody but the roles of this app and its operators reaches the bucket, and the functions log every request; access logs would need a second bucket. Who must have them turns on data events of CloudTrail.',
    );
    new CfnOutput(this, 'Registry', {
      value: this.registry,
      description: 'For --registry and KINDRED_REGISTRY.',
    });
  }

  /** The registry's address. */
  get registry(): string {
    return `s3://${this.bucket.bucketName}`;
  }
}

function lifecycle({ retention }: Config): LifecycleRule[] {
  return [
    {
      id: 'unfinished-uploads',
      abortIncompleteMultipartUploadAfter: Duration.days(retention.unfinishedUploadDays),
    },
    {
      id: 'overwritten-and-deleted',
      noncurrentVersionExpiration: Duration.days(retention.oldVersionDays),
    },
    // A marker under which no version is left any more only makes listings slow.
    { id: 'delete-markers', expiredObjectDeleteMarker: true },
    {
      id: 'checkpoints',
      prefix: 'jobs/',
      objectSizeGreaterThan: MIB,
      expiration: Duration.days(retention.checkpointDays),
      noncurrentVersionExpiration: Duration.days(1),
    },
    // Progress is written every two seconds.
    { id: 'progress', prefix: 'jobs/', noncurrentVersionExpiration: Duration.days(1) },
  ];
}
