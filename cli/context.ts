/** What the command line knows of the process it runs in. The only file that reads the environment. */
import { homedir, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { backboneWeightsFile, cacheFolder } from '../core/cache.ts';
import type { Registry } from '../core/registry/registry.ts';
import type { CommonFlags } from './flags.ts';
import { terminalOn } from './output/terminal.ts';
import type { Terminal } from './output/terminal.ts';
import { usageOf } from './usage.ts';

export interface Context {
  readonly terminal: Terminal;
  /** As given: a folder or a URI. */
  readonly registryUri: string;
  /** Opened when first asked for. @throws UsageError on an address that there is not */
  registry(): Promise<Registry>;
  /** What was fetched or computed once, for all checkouts of this user. */
  readonly cache: string;
  /** The pretrained weights that the set-up put there. */
  readonly backbone: string;
  /** A folder for files on their way. */
  readonly scratch: string;
  /** Who moves aliases and deletes versions, for their history. */
  readonly author: string;
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
    registry: () => (opened ??= openAt(registryUri)),
    cache,
    backbone: backboneWeightsFile(cache),
    scratch: path.resolve(tmpdir()),
    author: userName(),
  };
}

/** TensorFlow's library writes notes on stderr that concern nobody, unless told before it is loaded. */
export function quietTensorFlow(): void {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
}

async function openAt(uri: string): Promise<Registry> {
  const [{ openStore }, { openRegistry }] = await Promise.all([
    import('../core/storage/open.ts'),
    import('../core/registry/registry.ts'),
  ]);
  try {
    return openRegistry(openStore(uri));
  } catch (error) {
    throw usageOf(error);
  }
}

function userName(): string {
  try {
    return userInfo().username || 'unknown';
  } catch {
    return 'unknown';
  }
}
