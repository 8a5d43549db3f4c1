/** Lambda on this machine: the official runtime emulator, and the official client that runs a function of Node's in it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder } from '../../core/cache.ts';
import { madeOnce } from './made-once.ts';
import { runPython } from './python.ts';

const run = promisify(execFile);

export interface LambdaTools {
  /** aws-lambda-rie, which comes inside aws-sam-cli. */
  readonly emulator: string;
  /** The program of aws-lambda-ric, for Node. */
  readonly client: string;
}

/** npm's packages that the client is made of, with their checksums. The newest client that runs on Node 20. */
const PACKAGES = {
  'aws-lambda-ric': {
    version: '3.3.0',
    sha512: '9p06TbKVK4a050NY/vYOxhMHvnIiUu5o1W0//q6yNLSqA/c91pn4BOj3C3sRTpplkUNsGJdU5qWyU2STo6L8hA==',
  },
  'node-addon-api': {
    version: '6.1.0',
    sha512: '+eawOlIgy680F0kBzPUNFhMZGtJ1YmqM6l4+Crf4IkImjYrO/mqPwRMh352g23uIaQKFItcQ64I7KMaJxHgAVA==',
  },
};
type Package = keyof typeof PACKAGES;

const RECIPE = fileURLToPath(new URL('lambda', import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL('python-requirements-lambda.txt', import.meta.url));
const HEADERS = fileURLToPath(new URL('../../node_modules/node-api-headers/include', import.meta.url));

/** Why tests in the emulator are skipped here; null when it can be had. */
export async function missingLambdaTools(): Promise<string | null> {
  return lambdaTools().then(
    () => null,
    (error: unknown) => String(error),
  );
}

/**
 * Fetches both on the first call and builds the client's native half, in the cache.
 * @throws Error saying what to do when that fails
 */
export async function lambdaTools(): Promise<LambdaTools> {
  if (process.platform !== 'linux') throw new Error('The Lambda runtime emulator runs on Linux alone.');
  const digest = createHash('sha256')
    .update(JSON.stringify([PACKAGES, process.arch, readFileSync(REQUIREMENTS, 'utf8')]))
    .update(readFileSync(path.join(RECIPE, 'CMakeLists.txt')))
    .digest('hex');
  const cache = cacheFolder(process.env, os.homedir(), process.platform);
  const place = path.join(cache, 'test-lambda', digest.slice(0, 12), 'lambda');
  const folder = await madeOnce(place, make);
  return {
    emulator: path.join(folder, 'aws-lambda-rie'),
    client: path.join(folder, 'aws-lambda-ric', 'bin', 'index.mjs'),
  };
}

async function make(staging: string): Promise<string> {
  process.stderr.write(
    'The Lambda runtime emulator is made ready for the tests, once; this takes a minute.\n',
  );
  try {
    const filled = path.join(staging, 'lambda');
    const client = path.join(filled, 'aws-lambda-ric');
    mkdirSync(filled);
    const { emulators, cmake, ninja } = await pythonParts();
    const name = process.arch === 'arm64' ? 'aws-lambda-rie-arm64' : 'aws-lambda-rie-x86_64';
    copyFileSync(path.join(emulators, name), path.join(filled, 'aws-lambda-rie'));
    chmodSync(path.join(filled, 'aws-lambda-rie'), 0o755);
    await fetchPackage('aws-lambda-ric', client);
    const addonApi = path.join(staging, 'node-addon-api');
    await fetchPackage('node-addon-api', addonApi);
    const built = path.join(staging, 'built');
    await buildClient({ ric: client, addonApi, built, cmake, ninja });
    cpSync(path.join(built, 'rapid-client.node'), path.join(client, 'dist', 'rapid-client.node'));
    return filled;
  } catch (cause) {
    throw new Error(
      `The Lambda runtime emulator could not be made ready: pip and npm must reach their registries, and a C++ compiler (g++) is needed. ${String(cause)}`,
      { cause },
    );
  }
}

/** Where the packages of the list lie. */
async function pythonParts(): Promise<{ emulators: string; cmake: string; ninja: string }> {
  const script = `
import json, os, sysconfig, cmake, ninja
packages = sysconfig.get_paths()["purelib"]
print(json.dumps({
  "emulators": os.path.join(packages, "samcli", "local", "rapid"),
  "cmake": os.path.join(cmake.CMAKE_BIN_DIR, "cmake"),
  "ninja": os.path.join(ninja.BIN_DIR, "ninja"),
}))`;
  return JSON.parse(await runPython(script, [], 'lambda')) as Awaited<ReturnType<typeof pythonParts>>;
}

/** Unpacks one of npm's packages, when it is what it should be. */
async function fetchPackage(name: Package, to: string): Promise<void> {
  const { version, sha512 } = PACKAGES[name];
  mkdirSync(to);
  const flags = ['--silent', '--pack-destination', path.dirname(to)];
  const { stdout } = await run('npm', ['pack', `${name}@${version}`, ...flags], { cwd: path.dirname(to) });
  const file = path.join(path.dirname(to), stdout.trim());
  const found = createHash('sha512').update(readFileSync(file)).digest('base64');
  if (found !== sha512) throw new Error(`${name}@${version} is not what it was: its SHA-512 is ${found}`);
  await run('tar', ['xzf', file, '-C', to, '--strip-components=1', '--no-same-owner']);
}

async function buildClient(parts: {
  readonly ric: string;
  readonly addonApi: string;
  readonly built: string;
  readonly cmake: string;
  readonly ninja: string;
}): Promise<void> {
  const { ric, addonApi, built, cmake, ninja } = parts;
  for (const source of ['curl-7_83_1', 'aws-lambda-cpp-0.2.8']) {
    await run('tar', ['xzf', `${source}.tar.gz`, '--no-same-owner'], { cwd: path.join(ric, 'deps') });
  }
  const given = { RIC: ric, NODE_ADDON_API: addonApi, NODE_API_HEADERS: HEADERS, CMAKE_MAKE_PROGRAM: ninja };
  const defined = Object.entries(given).map(([name, value]) => `-D${name}=${value}`);
  const options = { maxBuffer: 2 ** 26 };
  await run(cmake, ['-G', 'Ninja', '-S', RECIPE, '-B', built, ...defined], options);
  await run(cmake, ['--build', built, '--target', 'rapid-client'], options);
}
