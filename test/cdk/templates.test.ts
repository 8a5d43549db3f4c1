import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Match } from 'aws-cdk-lib/assertions';
import { apiEnvironment, environmentSchemas, ingestEnvironment } from '../../functions/environment.ts';
import { s3Store } from '../../core/storage/s3.ts';
import { importCommand, trainingCommand } from '../support/batch.ts';
import { missingPackages, runPython } from '../support/python.ts';
import { describeConfiguration } from './configuration.ts';
import { describeCosts } from './costs.ts';
import { onlyResource, resourcesOf, synthesise, text } from './support.ts';
import type { Synthesised } from './support.ts';
import { describeWatching } from './watching.ts';

/** The defaults, and one in which all is different. */
const DEFAULTS = synthesise();
const OTHER = synthesise({
  name: 'shop',
  architecture: 'x64',
  retention: { logDays: 7, checkpointDays: 3 },
  api: {
    auth: { kind: 'jwt', issuer: 'https://issuer.example/', audience: ['shop'], scopePrefix: 'shop/' },
    origins: ['https://shop.example'],
    model: 'shoes',
    memoryMb: 1024,
    timeoutSeconds: 10,
    atOnce: 20,
    lookSeconds: 60,
  },
  tracing: false,
  training: {
    gpu: { spot: false, instanceTypes: ['g5.xlarge'], maxVcpus: 4 },
    cpu: { enabled: false },
    dataBuckets: ['pictures-of-others'],
    image: { gpu: 'registry.example/training:1', cpu: 'registry.example/training:1-cpu' },
    availabilityZones: 2,
    hours: 300,
  },
  alarms: { email: 'somebody@shop.example' },
});
const BOTH: Readonly<Record<string, Synthesised>> = { 'the defaults': DEFAULTS, 'another choice': OTHER };
after(() => {
  for (const each of Object.values(BOTH)) each.remove();
});

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Of the roles whose names begin so. */
function statementsOf(
  made: Synthesised,
  stack: Parameters<Synthesised['template']>[0],
  role: string,
): Statement[] {
  return Object.entries(resourcesOf(made.template(stack), 'AWS::IAM::Policy'))
    .filter(([name]) => name.startsWith(role))
    .flatMap(([, { Properties }]) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement);
}

/** What the roles whose names begin so may do, as "action on resource". */
function permissions(
  made: Synthesised,
  stack: Parameters<Synthesised['template']>[0],
  role: string,
): string[] {
  return statementsOf(made, stack, role)
    .flatMap(({ Action, Resource }) =>
      [Action]
        .flat()
        .flatMap((action) => [Resource].flat().map((resource) => `${action} on ${text(resource)}`)),
    )
    .map((line) => line.replaceAll(/Store1D2A845B\w*/g, 'STORE'))
    .toSorted();
}

const under = (actions: readonly string[], keys: readonly string[]): string[] =>
  actions.flatMap((action) => keys.map((each) => `s3:${action} on STORE/${each}`)).toSorted();

const READ = ['datasets/*', 'models/*', 'blobs/*', 'jobs/*'];
const GALLERY = ['models/*/unknown/*', 'models/*/gallery/*', 'models/*/embeddings/*'];

describe('the bucket', () => {
  it('is encrypted, closed, kept, tells its events, and is reached by TLS only', () => {
    const template = DEFAULTS.template('stateful');

    assert.equal(onlyResource(template, 'AWS::S3::Bucket').DeletionPolicy, 'Retain');
    template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      VersioningConfiguration: { Status: 'Enabled' },
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Action: 's3:*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      },
    });
    assert.deepEqual(resourcesOf(template, 'AWS::Lambda::Function'), {}, 'no function that only sets it up');
  });

  it('forgets checkpoints, what was overwritten, and unfinished uploads', () => {
    const { Properties } = onlyResource(OTHER.template('stateful'), 'AWS::S3::Bucket');
    const { Rules } = Properties['LifecycleConfiguration'] as { Rules: Record<string, unknown>[] };

    assert.deepEqual(
      Rules.map((rule) => Object.fromEntries(Object.entries(rule).filter(([name]) => name !== 'Status'))),
      [
        { Id: 'unfinished-uploads', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 } },
        { Id: 'overwritten-and-deleted', NoncurrentVersionExpiration: { NoncurrentDays: 30 } },
        { Id: 'delete-markers', ExpiredObjectDeleteMarker: true },
        {
          Id: 'checkpoints',
          Prefix: 'jobs/',
          ObjectSizeGreaterThan: '1048576',
          ExpirationInDays: 3,
          NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        },
        { Id: 'progress', Prefix: 'jobs/', NoncurrentVersionExpiration: { NoncurrentDays: 1 } },
      ],
    );
  });
});

describe('the functions', () => {
  const functions = [
    ['api', apiEnvironment, environmentSchemas.api],
    ['ingest', ingestEnvironment, environmentSchemas.ingest],
  ] as const;
  for (const [name, made] of Object.entries(BOTH)) {
    for (const [stack, parse, schema] of functions) {
      it(`get the environment that they read: ${stack}, with ${name}`, () => {
        const { Properties } = onlyResource(made.template(stack), 'AWS::Lambda::Function');
        const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
        const environment = Object.fromEntries(
          Object.entries(Variables).map(([variable, value]) => [variable, text(value)]),
        );

        assert.deepEqual(
          Object.keys(Variables).filter((variable) => !(variable in schema.shape)),
          [],
        );
        assert.doesNotThrow(() => parse(environment));
        assert.equal(Properties['Handler'], `${stack}.handler`);
      });
    }

    it(`answer before they are ended, with ${name}`, () => {
      const { Properties } = onlyResource(made.template('api'), 'AWS::Lambda::Function');
      const { Variables } = Properties['Environment'] as { Variables: Record<string, string> };

      assert.equal(Variables['KINDRED_SECONDS'], String(Number(Properties['Timeout']) - 1));
    });
  }

  it('run on the chosen processor, traced where that is wanted, with a log that ends', () => {
    for (const [made, architecture, days, tracing] of [
      [DEFAULTS, 'arm64', 30, { Mode: 'Active' }],
      [OTHER, 'x86_64', 7, Match.absent()],
    ] as const) {
      for (const stack of ['api', 'ingest'] as const) {
        const template = made.template(stack);
        template.hasResourceProperties('AWS::Lambda::Function', {
          Architectures: [architecture],
          Runtime: 'nodejs22.x',
          TracingConfig: tracing,
          LoggingConfig: { LogFormat: 'JSON' },
        });
        template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: days });
      }
    }
  });

  it('that serve look for changes, and are so many at once, as was chosen', () => {
    const look = (milliseconds: string, atOnce: unknown): unknown => ({
      Environment: { Variables: Match.objectLike({ KINDRED_LOOK_MS: milliseconds }) },
      ReservedConcurrentExecutions: atOnce,
    });

    DEFAULTS.template('api').hasResourceProperties('AWS::Lambda::Function', look('5000', Match.absent()));
    OTHER.template('api').hasResourceProperties('AWS::Lambda::Function', look('60000', 20));
  });

  it('that serve may read all but tokens, and write all but these and versions', () => {
    const allowed = permissions(OTHER, 'api', 'ServeRole');

    assert.deepEqual(
      allowed.filter((line) => line.startsWith('s3:')),
      [
        's3:ListBucket on STORE',
        ...under(['GetObject'], READ),
        ...under(
          ['PutObject', 'AbortMultipartUpload'],
          ['datasets/*', ...GALLERY, 'blobs/*', 'models/*/aliases/*', 'jobs/*'],
        ),
        ...under(['DeleteObject'], ['datasets/*', ...GALLERY]),
      ].toSorted(),
    );
  });

  it('that serve read tokens where these are asked for, below the name of the deployment, and nothing else', () => {
    const of = (made: Synthesised): string[] =>
      permissions(made, 'api', 'ServeRole').filter((line) => /^(ssm|kms)/.test(line));
    const at = (service: string): string => `arn:AWS::Partition:${service}:AWS::Region:AWS::AccountId`;
    const { Properties } = onlyResource(DEFAULTS.template('api'), 'AWS::Lambda::Function');
    const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };

    assert.deepEqual(of(DEFAULTS), [
      `kms:Decrypt on ${at('kms')}:key/*`,
      `ssm:GetParametersByPath on ${at('ssm')}:parameter/kindred/tokens`,
    ]);
    assert.deepEqual(
      statementsOf(DEFAULTS, 'api', 'ServeRole')
        .filter(({ Action }) => Action === 'kms:Decrypt')
        .map(({ Condition = {} }) =>
          Object.values(Condition).flatMap((each) =>
            Object.entries(each).map(([name, value]) => `${name} ${text(value)}`),
          ),
        ),
      [
        [
          'kms:ViaService ssm.AWS::Region.AWS::URLSuffix',
          `kms:EncryptionContext:PARAMETER_ARN ${at('ssm')}:parameter/kindred/tokens/*`,
          'kms:ResourceAliases alias/aws/ssm',
        ],
      ],
    );
    assert.equal(Variables['KINDRED_TOKENS'], 'ssm:///kindred/tokens');
    assert.deepEqual(of(OTHER), []);
  });

  it('that serve may submit the trainings of this deployment, and only look at the rest', () => {
    const allowed = permissions(OTHER, 'api', 'ServeRole').filter((line) =>
      /^(batch|ec2|service)/.test(line),
    );
    const batch = 'arn:AWS::Partition:batch:AWS::Region:AWS::AccountId';

    assert.deepEqual(
      allowed.map((line) => line.replaceAll(/shoptrainingGpu\w+/g, 'NAME')),
      [
        'batch:DescribeComputeEnvironments on *',
        'batch:DescribeJobQueues on *',
        'batch:DescribeJobs on *',
        'batch:ListJobs on *',
        `batch:SubmitJob on ${batch}:job-definition/NAME`,
        `batch:SubmitJob on ${batch}:job-definition/NAME:*`,
        `batch:SubmitJob on ${batch}:job-queue/NAME`,
        `batch:TerminateJob on ${batch}:job/*`,
        'ec2:DescribeInstanceTypeOfferings on *',
        'servicequotas:GetServiceQuota on *',
      ].toSorted(),
    );
  });

  it('that serve may ask of Batch, EC2 and Service Quotas what they do ask, and nothing else', () => {
    const folder = new URL('../../functions/trainings/batch/', import.meta.url);
    const commands = readdirSync(folder)
      .map((name) => readFileSync(new URL(name, folder), 'utf8'))
      .flatMap((source) => [...source.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name ?? ''));
    const allowed = permissions(DEFAULTS, 'api', 'ServeRole').flatMap(
      (line) => /^(?:batch|ec2|servicequotas):(\w+)/.exec(line)?.[1] ?? [],
    );

    assert.deepEqual([...new Set(allowed)].toSorted(), [...new Set(commands)].toSorted());
  });

  it('that take pictures up may change galleries, and neither pictures, versions, aliases nor tokens', () => {
    assert.deepEqual(
      permissions(DEFAULTS, 'ingest', 'IngestRole').filter((line) => line.startsWith('s3:')),
      [
        's3:ListBucket on STORE',
        ...under(['GetObject'], READ),
        ...under(['PutObject', 'DeleteObject', 'AbortMultipartUpload'], GALLERY),
      ].toSorted(),
    );
  });
});

const PROXIED = ['DELETE', 'GET', 'HEAD', 'POST', 'PUT'].map((method) => `${method} /{proxy+}`);
/** Fields of requests that the interface heeds. */
const ASKED = ['authorization', 'idempotency-key', 'if-match', 'if-none-match', 'last-event-id'];

describe('the interface', () => {
  it('leaves tokens to the function, and lets everybody see whether it is there', () => {
    const routes = Object.values(resourcesOf(DEFAULTS.template('api'), 'AWS::ApiGatewayV2::Route'));

    assert.deepEqual(
      routes.map(({ Properties }) => text(Properties['RouteKey'])).toSorted(),
      [
        ...PROXIED,
        ...['GET', 'HEAD'].flatMap((method) =>
          ['docs', 'healthz', 'openapi.json', 'readyz'].map((place) => `${method} /${place}`),
        ),
      ].toSorted(),
    );
    assert.deepEqual(
      new Set(routes.map(({ Properties }) => Properties['AuthorizationType'])),
      new Set(['NONE']),
    );
  });

  it('asks for a JWT where an issuer is named, and answers the pages that it should', () => {
    const template = OTHER.template('api');
    template.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerType: 'JWT',
      JwtConfiguration: { Issuer: 'https://issuer.example/', Audience: ['shop'] },
    });
    const routes = Object.values(resourcesOf(template, 'AWS::ApiGatewayV2::Route'));

    assert.deepEqual(
      routes
        .filter(({ Properties }) => Properties['AuthorizationType'] === 'JWT')
        .map(({ Properties }) => text(Properties['RouteKey']))
        .toSorted(),
      PROXIED,
    );
    // A route that takes OPTIONS would have the browser's question refused for want of a token; API Gateway answers where there is none.
    for (const { Properties } of routes)
      assert.doesNotMatch(text(Properties['RouteKey']), /^(ANY|OPTIONS|\$)/);
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', {
      CorsConfiguration: {
        AllowOrigins: ['https://shop.example'],
        AllowHeaders: Match.arrayWith([...ASKED]),
      },
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
      AccessLogSettings: Match.anyValue(),
    });
  });

  it('lets these pages put pictures into the bucket, as the addresses for uploads ask them to', async () => {
    const { Properties } = onlyResource(OTHER.template('stateful'), 'AWS::S3::Bucket');
    const { CorsRules } = Properties['CorsConfiguration'] as { CorsRules: unknown };
    const credentials = { accessKeyId: 'nobody', secretAccessKey: 'nothing' };
    const store = s3Store('s3://bucket', { region: 'us-east-1', credentials });
    const wanted = { type: 'image/png', bytes: 5, seconds: 60, sha256: 'ab'.repeat(32) };
    const headers: string[] = [];
    for (const instead of [null, 'etag'])
      headers.push(
        ...Object.keys(
          (await store.uploadAddress?.('datasets/a/b/c', { ...wanted, instead }))?.headers ?? {},
        ),
      );

    assert.deepEqual(CorsRules, [
      {
        AllowedOrigins: ['https://shop.example'],
        AllowedMethods: ['PUT'],
        AllowedHeaders: [...new Set(headers.map((name) => name.toLowerCase()))].toSorted(),
        MaxAge: 3600,
      },
    ]);
  });
});

describe('ingest', () => {
  it('hears of pictures of data sets only, tries again one by one, and puts aside what fails', () => {
    const template = DEFAULTS.template('ingest');
    const [dead] = Object.entries(resourcesOf(template, 'AWS::SQS::Queue')).find(
      ([, { Properties }]) => Properties['RedrivePolicy'] === undefined,
    ) ?? [''];

    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created', 'Object Deleted'],
        detail: { bucket: { name: [Match.anyValue()] }, object: { key: [{ prefix: 'datasets/' }] } },
      },
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      RedrivePolicy: { maxReceiveCount: 5, deadLetterTargetArn: { 'Fn::GetAtt': [dead, 'Arn'] } },
      VisibilityTimeout: 720,
      MessageRetentionPeriod: 345_600,
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      RedrivePolicy: Match.absent(),
      MessageRetentionPeriod: 1_209_600,
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 10,
      ScalingConfig: { MaximumConcurrency: 4 },
    });
  });
});

describe('trainings', () => {
  it('run the command of the container, are tried again only when the machine was taken away, and end in time', () => {
    for (const [made, programs, hours] of [
      [DEFAULTS, ['gallery', 'train', 'train'], 12],
      [OTHER, ['train'], 300],
    ] as const) {
      const jobs = Object.values(resourcesOf(made.template('training'), 'AWS::Batch::JobDefinition'));
      const commands: string[] = [];
      for (const { Properties } of jobs) {
        const { Command } = Properties['ContainerProperties'] as { Command: unknown[] };
        const command = Command.map(text);
        const registry = command.find((word) => word.startsWith('s3:')) ?? '';
        assert.match(registry, /^s3:\/\/Store\w+$/);
        commands.push(command[0] ?? '');
        const known = command[0] === 'train' ? trainingCommand(registry) : importCommand(registry);
        assert.deepEqual(command, known);
        assert.deepEqual(Properties['RetryStrategy'], {
          Attempts: 10,
          EvaluateOnExit: [
            { Action: 'RETRY', OnStatusReason: 'Host EC2*' },
            { Action: 'RETRY', OnStatusReason: 'Your Spot Task was interrupted*' },
            { Action: 'RETRY', OnExitCode: '75' },
            { Action: 'EXIT', OnReason: '*' },
          ],
        });
        assert.deepEqual(Properties['Timeout'], { AttemptDurationSeconds: hours * 3600 });
      }
      assert.deepEqual(commands.toSorted(), programs);
    }
  });

  it('take Spot machines first where they may, and none stay when nothing runs', () => {
    const environments = (made: Synthesised): unknown[] => {
      const template = made.template('training');
      const all = resourcesOf(template, 'AWS::Batch::ComputeEnvironment');
      return Object.values(resourcesOf(template, 'AWS::Batch::JobQueue')).map(({ Properties }) =>
        (Properties['ComputeEnvironmentOrder'] as { Order: number; ComputeEnvironment: unknown }[])
          .toSorted((a, b) => a.Order - b.Order)
          .map(({ ComputeEnvironment }) => {
            const name = text(ComputeEnvironment).split('.')[0] ?? '';
            const resources = all[name]?.Properties['ComputeResources'];
            const { Type, MinvCpus = 0, MaxvCpus } = resources as Record<string, string | number>;
            return `${Type} ${MinvCpus} to ${MaxvCpus}`;
          }),
      );
    };

    assert.deepEqual(environments(DEFAULTS), [
      ['SPOT 0 to 16', 'EC2 0 to 16'],
      ['FARGATE_SPOT 0 to 16', 'FARGATE 0 to 16'],
    ]);
    assert.deepEqual(environments(OTHER), [['EC2 0 to 4']]);
  });

  it('get another machine when it is set up otherwise, after what runs there, for as long as Batch waits', () => {
    for (const [made, minutes] of [
      [DEFAULTS, 720],
      [OTHER, 7200],
    ] as const) {
      const template = made.template('training');
      const [machine] = Object.keys(resourcesOf(template, 'AWS::EC2::LaunchTemplate'));
      const environments = Object.values(resourcesOf(template, 'AWS::Batch::ComputeEnvironment'))
        .map(({ Properties }) => Properties)
        .filter(({ ComputeResources }) => 'InstanceTypes' in (ComputeResources as object));

      for (const { UpdatePolicy, ComputeResources } of environments) {
        assert.deepEqual(UpdatePolicy, { JobExecutionTimeoutMinutes: minutes, TerminateJobsOnUpdate: false });
        // Without a version Batch keeps to the first one.
        assert.deepEqual((ComputeResources as { LaunchTemplate: unknown }).LaunchTemplate, {
          LaunchTemplateId: { Ref: machine },
          Version: { 'Fn::GetAtt': [machine, 'LatestVersionNumber'] },
        });
      }
      assert.ok(environments.length > 0);
    }
  });

  it('ask the metadata service by token only, from the container too, on an encrypted disk', () => {
    DEFAULTS.template('training').hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: {
        MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 2 },
        BlockDeviceMappings: [
          Match.objectLike({ Ebs: Match.objectLike({ Encrypted: true, VolumeType: 'gp3' }) }),
        ],
      },
    });
  });

  it('cost no NAT, let nobody in, and reach S3 without the internet', () => {
    for (const made of Object.values(BOTH)) {
      const template = made.template('training');
      template.resourceCountIs('AWS::EC2::NatGateway', 0);
      template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
      template.allResourcesProperties('AWS::EC2::SecurityGroup', {
        SecurityGroupIngress: Match.absent(),
        SecurityGroupEgress: [Match.objectLike({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443 })],
      });
      template.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' });
    }
    OTHER.template('training').resourceCountIs('AWS::EC2::Subnet', 2);
  });

  it('may read pictures, and write versions and jobs', () => {
    const store = [
      's3:ListBucket on STORE',
      ...under(['GetObject'], READ),
      ...under(['PutObject', 'AbortMultipartUpload'], ['models/*', 'jobs/*', 'blobs/*']),
      ...under(['DeleteObject'], ['models/*', 'jobs/*']),
    ];

    assert.deepEqual(permissions(DEFAULTS, 'training', 'TrainingRole'), store.toSorted());
    assert.deepEqual(
      permissions(OTHER, 'training', 'TrainingRole'),
      [
        ...store,
        's3:ListBucket on arn:AWS::Partition:s3:::pictures-of-others',
        's3:GetObject on arn:AWS::Partition:s3:::pictures-of-others/*',
      ].toSorted(),
    );
  });

  it('come with an image of all that its Dockerfile copies', () => {
    const of = (name: string): string[] =>
      readFileSync(new URL(`../../cdk/training/${name}`, import.meta.url), 'utf8').split('\n');
    const wanted = [
      ...of('Dockerfile.dockerignore').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : [])),
      ...of('Dockerfile').flatMap((line) => /^COPY (?!--)(.*) \S+$/.exec(line)?.[1]?.split(' ') ?? []),
    ];
    const asset = readdirSync(DEFAULTS.folder)
      .map((name) => path.join(DEFAULTS.folder, name))
      .find((folder) => existsSync(path.join(folder, 'cdk/training/Dockerfile')));

    // Without .npmrc npm would run the packages' own installations, which fetch what is not pinned.
    assert.ok(wanted.includes('.npmrc'));
    assert.deepEqual(
      wanted.filter((name) => !existsSync(path.join(String(asset), name))),
      [],
    );
  });

  it('and imports, which need no GPU, may change galleries and jobs, and no version', () => {
    const galleries = GALLERY.filter((keys) => !keys.includes('unknown'));

    assert.deepEqual(
      permissions(DEFAULTS, 'training', 'ImportRole'),
      [
        's3:ListBucket on STORE',
        ...under(['GetObject'], READ),
        ...under(['PutObject', 'AbortMultipartUpload'], [...galleries, 'blobs/*', 'jobs/*']),
        ...under(['DeleteObject'], [...galleries, 'jobs/*']),
      ].toSorted(),
    );
    assert.deepEqual(permissions(OTHER, 'training', 'ImportRole'), []);
    const { Properties } = onlyResource(DEFAULTS.template('api'), 'AWS::Lambda::Function');
    const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
    assert.deepEqual(Variables['KINDRED_IMPORT_QUEUE'], Variables['KINDRED_CPU_QUEUE']);
    assert.match(text(Variables['KINDRED_IMPORT_JOB']), /Import/);
  });

  it('are known to other stacks by name, so that a new image changes nothing there, and a queue can be turned off', () => {
    for (const made of Object.values(BOTH)) {
      const { Outputs } = made.template('training').toJSON() as {
        Outputs: Record<string, { Export?: unknown }>;
      };
      const queues = Object.values(resourcesOf(made.template('training'), 'AWS::Batch::JobQueue')).map(
        ({ Properties }) => `:job-queue/${String(Properties['JobQueueName'])}`,
      );
      const { Properties } = onlyResource(made.template('api'), 'AWS::Lambda::Function');
      const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
      const asked = ['KINDRED_GPU_QUEUE', 'KINDRED_CPU_QUEUE']
        .flatMap((name) => Variables[name] ?? [])
        .map(text);

      assert.deepEqual(
        Object.values(Outputs).filter(({ Export }) => Export !== undefined),
        [],
      );
      assert.deepEqual(
        asked.map((arn) => arn.replace(/^.*(?=:job-queue)/, '')).toSorted(),
        queues.toSorted(),
      );
    }
  });
});

describe('all of it', () => {
  for (const [name, made] of Object.entries(BOTH)) {
    it(`keeps to AwsSolutions, or says why not: ${name}`, () => {
      assert.deepEqual(made.findings, []);
    });

    it(`gives no right to everything without a reason: ${name}`, () => {
      const templates = (['stateful', 'training', 'api', 'ingest', 'observability'] as const).map((stack) =>
        made.template(stack),
      );
      const statements = templates
        .flatMap((template) => Object.values(resourcesOf(template, 'AWS::IAM::Policy')))
        .flatMap(({ Properties }) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement);
      const wide = statements
        .filter(({ Resource }) => [Resource].flat().includes('*'))
        .flatMap(({ Action }) => Action);

      assert.deepEqual(
        [...new Set(wide)].toSorted(),
        [
          'batch:DescribeComputeEnvironments',
          'batch:DescribeJobQueues',
          'batch:DescribeJobs',
          'batch:ListJobs',
          'ec2:DescribeInstanceTypeOfferings',
          ...(made === DEFAULTS ? ['ecr:GetAuthorizationToken'] : []),
          'servicequotas:GetServiceQuota',
          ...(made === DEFAULTS ? ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'] : []),
        ].toSorted(),
      );
      for (const { Action } of statements)
        for (const action of [Action].flat()) assert.doesNotMatch(action, /\*/);
    });
  }

  it('is what CloudFormation takes, and the Dockerfile what Docker does', async (t) => {
    const missing = await missingPackages('aws');
    if (missing !== null) return t.skip(missing);
    const files = Object.values(BOTH).flatMap(({ folder }) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.template.json'))
        .map((name) => path.join(folder, name)),
    );
    const lint = 'import sys; from cfnlint.runner import main; sys.argv[0] = "cfn-lint"; sys.exit(main())';
    const hadolint =
      'import subprocess, sys, os; sys.exit(subprocess.run([os.path.join(os.path.dirname(sys.executable), "hadolint"), *sys.argv[1:]]).returncode)';
    const dockerfile = fileURLToPath(new URL('../../cdk/training/Dockerfile', import.meta.url));

    assert.equal(files.length, 10);
    assert.equal(await runPython(lint, files, 'aws'), '');
    assert.equal(await runPython(hadolint, [dockerfile], 'aws'), '');
  });
});

describeWatching(BOTH);
describeConfiguration();
describeCosts(DEFAULTS);
