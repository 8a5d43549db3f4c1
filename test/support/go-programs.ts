import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cacheFolder } from '../../core/cache.ts';
import { tryLock } from '../../core/storage/fs/lock.ts';

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
export async function goProgram(name: GoProgram): Promise<string> {
  const place = placeOf(name);
  if (existsSync(place)) return place;
  const parent = path.dirname(path.dirname(place));
  await mkdir(parent, { recursive: true });
  const lock = await open(path.join(parent, '.lock'), 'a+');
  try {
    // Test files run side by side, and one build is enough.
    while (!(await tryLock(lock))) await sleep(200);
    if (!existsSync(place)) await build(name, parent, place);
  } finally {
    await lock.close();
  }
  return place;
}

async function build(name: GoProgram, parent: string, place: string): Promise<void> {
  const { module, version } = PROGRAMS[name];
  const staging = await mkdtemp(path.join(parent, '.making-'));
  process.stderr.write(`Go builds ${name} ${version} for the tests, once; this takes up to some minutes.\n`);
  try {
    const env = { ...process.env, GOBIN: staging, GOFLAGS: '-trimpath' };
    await run('go', ['install', '-ldflags', '-s -w', `${module}@${version}`], { env, maxBuffer: 2 ** 26 });
    await mkdir(path.dirname(place), { recursive: true });
    await rename(path.join(staging, path.basename(module)), place);
  } catch (cause) {
    throw new Error(
      `Go could not build ${name} for the tests: it needs a module proxy ("go env GOPROXY") and about 1 GB for its build cache, or ${place} from a machine of the same kind. ${String(cause)}`,
      { cause },
    );
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function placeOf(name: GoProgram): string {
  const { version } = PROGRAMS[name];
  const cache = cacheFolder(process.env, os.homedir(), process.platform);
  return path.join(cache, 'test-go', `${name}-${version}`, name);
}
