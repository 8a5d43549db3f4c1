import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../core/cache.ts';
import { madeOnce } from './made-once.ts';

const run = promisify(execFile);

/** Servers that the tests run against, by Go module; the binary gets the name of the last part of its path. */
const PROGRAMS = {
  versitygw: { module: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0' },
  toxiproxy: { module: 'github.com/Shopify/toxiproxy/v2/cmd/server', version: 'v2.5.0' },
};

export type GoProgram = keyof typeof PROGRAMS;

/** Why tests that need such a program cannot run here, or false: for the `skip` of a test. */
export function whyNoGo(): string | false {
  const needed = Object.keys(PROGRAMS) as GoProgram[];
  if (needed.every((name) => existsSync(placeOf(name)))) return false;
  const { status } = spawnSync('go', ['version']);
  return status === 0 ? false : 'Go is not installed; it builds the S3 server (versitygw) and toxiproxy';
}

/**
 * The path of the program, which Go fetches and builds on the first call into Kindred's cache folder.
 * @throws Error saying what to do when that fails
 */
export function goProgram(name: GoProgram): Promise<string> {
  return madeOnce(placeOf(name), (staging) => build(name, staging));
}

async function build(name: GoProgram, staging: string): Promise<string> {
  const { module, version } = PROGRAMS[name];
  process.stderr.write(`Go builds ${name} ${version} for the tests, once; this takes up to some minutes.\n`);
  try {
    const env = { ...process.env, GOBIN: staging, GOFLAGS: '-trimpath' };
    await run('go', ['install', '-ldflags', '-s -w', `${module}@${version}`], { env, maxBuffer: 2 ** 26 });
    return path.join(staging, path.basename(module));
  } catch (cause) {
    throw new Error(
      `Go could not build ${name} for the tests: it needs a module proxy ("go env GOPROXY") and about 1 GB for its build cache, or ${placeOf(name)} from a machine of the same kind. ${String(cause)}`,
      { cause },
    );
  }
}

function placeOf(name: GoProgram): string {
  const { version } = PROGRAMS[name];
  const cache = cacheFolder(process.env, os.homedir(), process.platform);
  return path.join(cache, 'test-go', `${name}-${version}`, name);
}
