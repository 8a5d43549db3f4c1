/** A function as all of them are here: of the package, with a role and a log of its own, traced where that is wanted. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { CfnPolicy } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ConfigError } from '../config.ts';
import type { Config } from '../config.ts';
import { accept, acceptWildcards, permit } from './permissions.ts';
import type { Permission } from './permissions.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Copies of networks are kept there; two versions of them, and room for one that is being loaded. */
const DISK = Size.mebibytes(1024);
const CACHE_BYTES = 700 * 1024 * 1024;

export interface KindredFunctionProps {
  readonly config: Config;
  readonly description: string;
  /** File and name of what is called, in the package. */
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Calls at once, kept free for it. @default as many as the account has */
  readonly atOnce?: number | null;
  /** Beside what every function has; undefined ones are left out. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly registry: string;
  readonly permissions: readonly Permission[];
}

export class KindredFunction extends Construct {
  readonly function: Function;
  readonly role: Role;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: KindredFunctionProps) {
    super(scope, id);
    const { config, description, handler, memoryMb, timeoutSeconds, registry, permissions, atOnce } = props;
    this.logGroup = new LogGroup(this, 'Log', {
      retention: config.retention.logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `What "${description}" may do`,
    });
    permit(this.role, permissions);
    this.logGroup.grantWrite(this.role);
    const given = {
      KINDRED_REGISTRY: registry,
      KINDRED_CACHE_BYTES: String(CACHE_BYTES),
      ...props.environment,
    };
    this.function = new Function(this, 'Function', {
      description,
      code: Code.fromAsset(packageFolder(config)),
      handler,
      runtime: Runtime.NODEJS_22_X,
      architecture: config.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      memorySize: memoryMb,
      timeout: Duration.seconds(timeoutSeconds),
      ephemeralStorageSize: DISK,
      role: this.role,
      logGroup: this.logGroup,
      // What Lambda itself says of each call is JSON too, then, and can be counted.
      loggingFormat: LoggingFormat.JSON,
      tracing: config.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      ...(typeof atOnce === 'number' && { reservedConcurrentExecutions: atOnce }),
      environment: Object.fromEntries(
        Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
    });
    // The construct would name the role as well, which the function refers to in any case.
    const policy = this.role.node.findChild('DefaultPolicy').node.defaultChild as CfnPolicy;
    (this.function.node.defaultChild as CfnFunction).addOverride('DependsOn', [
      Stack.of(this).getLogicalId(policy),
    ]);
    if (config.tracing)
      acceptWildcards(
        this.role,
        ['*'],
        'xray:PutTraceSegments and xray:PutTelemetryRecords know no resource.',
      );
    accept(
      this.function,
      'L1',
      'onnxruntime and sharp are tested on the oldest runtime of Node that the project supports; newer ones follow with it.',
    );
  }
}

/** @throws ConfigError when it has not been made */
function packageFolder({ bundle, architecture }: Config): string {
  const folder = path.resolve(ROOT, bundle, architecture);
  if (existsSync(path.join(folder, 'api.mjs'))) return folder;
  throw new ConfigError(
    `There is no package of the functions in ${folder}. Make it with "npm run bundle", or name another place with "bundle".`,
  );
}
