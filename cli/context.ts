/** What the command line knows of the process it runs in. The only file that reads the environment. */
import { homedir, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { backboneWeightsFile, cacheFolder } from '../core/cache.ts';
import type { LocalBackbone } from '../core/network/backbones/backbone.ts';
import { DEFAULT_BACKBONE } from '../core/network/backbones/index.ts';
import type { Registry } from '../core/registry/registry.ts';
import type { TokenStore } from '../core/registry/token-store.ts';
import type { S3Options } from '../core/storage/s3/options.ts';
import type { ObjectStore } from '../core/storage/store.ts';
import type { CommonFlags } from './flags.ts';
import { terminalOn } from './output/terminal.ts';
import type { Terminal } from './output/terminal.ts';
import { asUsage, UsageError, usageOf } from './usage.ts';

export interface Context {
  readonly terminal: Terminal;
  /** As given: a folder or a URI. */
  readonly registryUri: string;
  /** Opened when first asked for. @throws UsageError on an address that there is not */
  registry(): Promise<Registry>;
  /** Where tokens are kept: at the address, that of KINDRED_TOKENS, or in the registry. @throws UsageError on an address that there is not */
  readonly tokens: (uri?: string) => Promise<TokenStore>;
  /** Opens what an address names, as this process is set up. @throws UsageError on an address that there is not */
  readonly openStore: (uri: string) => Promise<ObjectStore>;
  /** What was fetched or computed once, for all checkouts of this user. */
  readonly cache: string;
  /** The pretrained network, with the weights that the set-up put there. */
  readonly backbone: LocalBackbone;
  /** A folder for files on their way. */
  readonly scratch: string;
  /** Who moves aliases and deletes versions, for their history. */
  readonly author: string;
  /** Where this process works on jobs, if that is not simply this machine; see core/jobs/owner.ts. */
  readonly place: string | undefined;
  /** Whether what started this process sees to the job; see core/jobs/owner.ts. */
  readonly unattended: boolean;
}

const DEFAULT_REGISTRY = './.kindred';

/** The context of one command. */
export function contextOf(flags: CommonFlags): Context {
  const environment = process.env;
  const registryUri = flags.registry ?? (environment['KINDRED_REGISTRY'] || DEFAULT_REGISTRY);
  const cache = cacheFolder(environment, homedir(), process.platform);
  let opened: Promise<Registry> | undefined;
  return {
    terminal: terminalOn(process.stdout, process.stderr, {
      json: flags.json ?? false,
      colour: !environment['NO_COLOR'] && environment['TERM'] !== 'dumb',
    }),
    registryUri,
    registry: () => (opened ??= registryAt(registryUri, environment)),
    tokens: (uri) => tokensAt(uri ?? environment['KINDRED_TOKENS'], registryUri, environment),
    openStore: (uri) => storeAt(uri, environment),
    cache,
    backbone: { ...DEFAULT_BACKBONE, file: backboneWeightsFile(cache) },
    scratch: path.resolve(tmpdir()),
    author: userName(),
    place: batchPlace(environment),
    unattended: flags.unattended ?? false,
  };
}

/** AWS Batch starts the attempts of a job one after the other, each in a container of its own. */
function batchPlace(environment: NodeJS.ProcessEnv): string | undefined {
  const { AWS_BATCH_JOB_ID: id, AWS_BATCH_JOB_ATTEMPT: attempt } = environment;
  return id === undefined || id === '' ? undefined : `aws-batch/${id}#${attempt ?? 1}`;
}

/** TensorFlow's library writes notes on stderr that concern nobody, unless told before it is loaded. */
export function quietTensorFlow(): void {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
}

async function registryAt(uri: string, environment: NodeJS.ProcessEnv): Promise<Registry> {
  const { openRegistry } = await import('../core/registry/registry.ts');
  return openRegistry(await storeAt(uri, environment));
}

async function storeAt(uri: string, environment: NodeJS.ProcessEnv): Promise<ObjectStore> {
  const { openStore } = await import('../core/storage/open.ts');
  quietAws(environment);
  try {
    return openStore(uri, { s3: s3Options(environment) });
  } catch (error) {
    throw usageOf(error);
  }
}

async function tokensAt(
  uri: string | undefined,
  registryUri: string,
  environment: NodeJS.ProcessEnv,
): Promise<TokenStore> {
  if (uri === undefined || uri === '') {
    const { registryTokens } = await import('../core/registry/registry-tokens.ts');
    return registryTokens(await storeAt(registryUri, environment));
  }
  const { ssmTokens } = await import('../core/registry/ssm/tokens.ts');
  quietAws(environment);
  return asUsage(() => ssmTokens(uri));
}

/** The AWS client notes what its later versions will ask of Node, which concerns whoever keeps Kindred up to date. */
function quietAws(environment: NodeJS.ProcessEnv): void {
  environment['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}

/** All else about S3 comes from where the AWS client looks for it. */
function s3Options({ KINDRED_S3_PATH_STYLE: pathStyle }: NodeJS.ProcessEnv): S3Options {
  if (pathStyle === undefined || pathStyle === '') return {};
  if (pathStyle === '0' || pathStyle === '1') return { pathStyle: pathStyle === '1' };
  throw new UsageError(
    `KINDRED_S3_PATH_STYLE is ${JSON.stringify(pathStyle)}; set it to 1 (the bucket in the path), to 0 (in the host's name), or not at all.`,
  );
}

function userName(): string {
  try {
    return userInfo().username || 'unknown';
  } catch {
    return 'unknown';
  }
}
