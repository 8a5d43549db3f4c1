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
import { tokenPermissions, tokensAddress } from '../constructs/tokens.ts';
import type { Trainings } from '../constructs/training-queue.ts';

interface Props extends StackProps {
  readonly config: Config;
  readonly bucket: Bucket;
  readonly registry: string;
  /** What it may start trainings with. */
  readonly training: Trainings;
}

const MIB = 1024 * 1024;

export class ApiStack extends Stack {
  readonly function: KindredFunction;
  readonly http: KindredHttpApi;

  constructor(scope: Construct, id: string, { config, bucket, registry, training, ...props }: Props) {
    super(scope, id, props);
    const { auth, memoryMb, timeoutSeconds, atOnce, pictureMb, model, lookSeconds } = config.api;
    const { gpu, cpu, imports } = training;
    const tokens = auth.kind === 'tokens' ? tokensAddress(config) : undefined;
    this.function = new KindredFunction(this, 'Serve', {
      config,
      description: 'Kindred: answers over HTTP',
      handler: 'api.handler',
      memoryMb,
      timeoutSeconds,
      atOnce,
      registry,
      environment: {
        KINDRED_AUTH: auth.kind === 'jwt' ? 'authorizer' : 'tokens',
        KINDRED_TOKENS: tokens,
        KINDRED_SCOPES_CLAIM: auth.kind === 'jwt' ? auth.scopesClaim : undefined,
        KINDRED_SCOPE_PREFIX: auth.kind === 'jwt' ? auth.scopePrefix : undefined,
        KINDRED_MODEL: model ?? undefined,
        // A second before the function is ended, so that there is an answer.
        KINDRED_SECONDS: String(timeoutSeconds - 1),
        KINDRED_LOOK_MS: String(lookSeconds * 1000),
        KINDRED_PICTURE_BYTES: String(pictureMb * MIB),
        KINDRED_GPU_QUEUE: gpu?.queueArn,
        KINDRED_GPU_JOB: gpu?.jobDefinitionName,
        KINDRED_CPU_QUEUE: cpu?.queueArn,
        KINDRED_CPU_JOB: cpu?.jobDefinitionName,
        KINDRED_IMPORT_QUEUE: imports?.queueArn,
        KINDRED_IMPORT_JOB: imports?.jobDefinitionName,
        KINDRED_SMALL_PICTURES: String(config.training.smallPictures),
      },
      permissions: [
        ...servingPermissions(bucket),
        ...(tokens === undefined ? [] : tokenPermissions(this, config)),
        ...batchPermissions(
          this,
          [gpu, cpu, imports].filter((queue) => queue !== null),
        ),
      ],
    });
    this.http = new KindredHttpApi(this, 'Http', { config, handler: this.function.function });
    new CfnOutput(this, 'Url', { value: this.http.url });
    if (tokens !== undefined) new CfnOutput(this, 'Tokens', { value: tokens });
  }
}
