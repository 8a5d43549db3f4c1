import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder } from '../../core/cache.ts';

const run = promisify(execFile);

/** Lists of packages beside this file. */
const LISTS = {
  common: 'python-requirements.txt',
  onnx: 'python-requirements-onnx.txt',
  schemathesis: 'python-requirements-schemathesis.txt',
  lambda: 'python-requirements-lambda.txt',
  aws: 'python-requirements-aws.txt',
  guides: 'python-requirements-guides.txt',
} as const;
type List = keyof typeof LISTS;

/**
 * Runs a Python script with the packages of a list, that of python-requirements.txt unless told, and gives what it printed.
 * The packages live in a virtual environment in Kindred's cache folder, made on the first call; a failure to make it is an error that says
 * what to do, never a skipped test.
 */
export async function runPython(
  script: string,
  args: readonly string[] = [],
  list: List = 'common',
): Promise<string> {
  const { stdout } = await run(await pythonWith(list), ['-I', '-c', script, ...args], {
    maxBuffer: 2 ** 28,
  });
  return stdout;
}

/** Why a list's packages cannot be had, for tests that are skipped without them; null when they can. */
export async function missingPackages(list: List): Promise<string | null> {
  return pythonWith(list).then(
    () => null,
    (error: unknown) => String(error),
  );
}

const made = new Map<List, Promise<string>>();

/** The path of a Python that has the packages of a list. */
export function pythonWith(list: List): Promise<string> {
  const making = made.get(list) ?? makeEnvironment(list);
  made.set(list, making);
  return making;
}

async function makeEnvironment(list: List): Promise<string> {
  const requirements = fileURLToPath(new URL(LISTS[list], import.meta.url));
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const parent = path.join(cacheFolder(process.env, os.homedir(), process.platform), 'test-python');
  const folder = path.join(parent, digest.slice(0, 12));
  const python = path.join(folder, 'bin', 'python');
  if (existsSync(python)) return python;
  // Made beside its place and moved there whole, so that an interrupted or a second attempt at once does no harm.
  const staging = path.join(parent, `.making-${randomUUID()}`);
  await mkdir(parent, { recursive: true });
  try {
    await run('python3', ['-m', 'venv', staging]);
    await run(
      path.join(staging, 'bin', 'python'),
      [...pipInstall, ...(FLAGS[list] ?? []), '--requirement', requirements],
      { maxBuffer: 2 ** 26 },
    );
    await rename(staging, folder).catch((error: unknown) => {
      if (!existsSync(python)) throw error;
    });
  } catch (cause) {
    throw new Error(
      `These tests compare with Python packages, which could not be installed into ${folder}: they need python3 (3.10 or newer) with venv, and pip must reach its package index (or have the packages of ${requirements} in its own cache). ${String(cause)}`,
      { cause },
    );
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return python;
}

const pipInstall = ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:'];

/** Of what is wanted for a program in it alone. */
const FLAGS: Partial<Record<List, readonly string[]>> = { lambda: ['--no-deps'] };
