/** The address that answers: HTTP API and function. */
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { batchPermissions } from '../constructs/batch-permissions.ts';
import { KindredHttpApi } from '../constructs/http-api.ts';
import { KindredFunction } from '../constructs/kindred-function.ts';
import { servingPermissions } from '../constructs/store-permissions.ts';
import type { TrainingQueue } from '../constructs/training-queue.ts';

interface Props extends StackProps {
  readonly config: Config;
  readonly bucket: Bucket;
  readonly registry: string;
  /** Null: trainings cannot be started through it. */
  readonly training: { readonly gpu: TrainingQueue | null; readonly cpu: TrainingQueue | null } | null;
}

const MIB = 1024 * 1024;

export class ApiStack extends Stack {
  readonly function: KindredFunction;
  readonly http: KindredHttpApi;

  constructor(scope: Construct, id: string, { config, bucket, registry, training, ...props }: Props) {
    super(scope, id, props);
    const { auth, memoryMb, timeoutSeconds, pictureMb, model } = config.api;
    const { gpu = null, cpu = null } = training ?? {};
    this.function = new KindredFunction(this, 'Serve', {
      config,
      description: 'Kindred: answers over HTTP',
      handler: 'api.handler',
      memoryMb,
      timeoutSeconds,
      registry,
      environment: {
        KINDRED_AUTH: auth.kind === 'jwt' ? 'authorizer' : 'tokens',
        KINDRED_SCOPES_CLAIM: auth.kind === 'jwt' ? auth.scopesClaim : undefined,
        KINDRED_SCOPE_PREFIX: auth.kind === 'jwt' ? auth.scopePrefix : undefined,
        KINDRED_MODEL: model ?? undefined,
        KINDRED_PICTURE_BYTES: String(pictureMb * MIB),
        KINDRED_GPU_QUEUE: gpu?.queue.jobQueueArn,
        KINDRED_GPU_JOB: gpu?.jobDefinitionName,
        KINDRED_CPU_QUEUE: cpu?.queue.jobQueueArn,
        KINDRED_CPU_JOB: cpu?.jobDefinitionName,
        KINDRED_SMALL_PICTURES: String(config.training.smallPictures),
      },
      permissions: [
        ...servingPermissions(bucket),
        ...batchPermissions(
          this,
          [gpu, cpu].filter((queue) => queue !== null),
        ),
      ],
    });
    this.http = new KindredHttpApi(this, 'Http', { config, handler: this.function.function });
    new CfnOutput(this, 'Url', { value: this.http.url });
  }
}
