/** Makes tfjs-node load: takes its binding as found if that works, else links the one from the cache. */
import { copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BINDING, bindingKey, ensureBinding } from './binding.mjs';
import { command, lastLines } from './command.mjs';
import { SetupError } from './errors.mjs';
import { say } from './report.mjs';
import { ensureLibrary, wantedVariant } from './tensorflow-library.mjs';

const AS_FOUND = 'as found';

/** @typedef {{ key: string, variant: string, bytes: number }} Stamp what was linked into the package's folder */
/** @typedef {{ tensorflow: string, gpu: boolean }} Loaded */
/** @typedef {{ cache: string, modules: string, platform: string, options: import('./options.mjs').Options }} Wanted */

/** @param {string} modules the folder node_modules @returns {string} */
export function tfjsNodeFolder(modules) {
  return path.join(modules, '@tensorflow', 'tfjs-node');
}

/** @param {Wanted} wanted */
export async function ensureTensorflow({ cache, modules, platform, options }) {
  const folder = tfjsNodeFolder(modules);
  const stamp = readStamp(folder);
  if (!options.variant && !options.rebuild && (await worksAsFound(folder, stamp, options.verify))) return;
  const variant = options.variant ?? stamp?.variant ?? 'cpu';
  wantedVariant(platform, variant);
  const library = await ensureLibrary({ cache, platform, variant, verify: options.verify });
  const inputs = {
    cache,
    modules,
    platform,
    variant,
    library,
    verify: options.verify,
    rebuild: options.rebuild,
  };
  const binding = await ensureBinding(inputs);
  const key = bindingKey(inputs);
  if (!options.rebuild && !options.verify && isLinked(folder, stamp, key, library)) return;
  link(folder, binding, library);
  let loaded = await load(folder);
  if (typeof loaded === 'string') {
    say('  the binding from the cache does not load here; building it again');
    link(folder, await ensureBinding({ ...inputs, rebuild: true }), library);
    loaded = await load(folder);
  }
  if (typeof loaded === 'string') throw new SetupError(`TensorFlow does not load:\n${loaded}`);
  writeStamp(folder, { key, variant, bytes: statSync(bindingPlace(folder)).size });
  say(`  TensorFlow ${loaded.tensorflow} loads, ${loaded.gpu ? 'on a GPU' : 'on the processor'}`);
  if (variant === 'gpu' && !loaded.gpu) {
    say('  No GPU is visible: check the driver with "nvidia-smi", or go back with "npm run setup -- --cpu".');
  }
}

/**
 * A binding that came with the package, or that somebody built, is taken when it loads.
 *
 * @param {string} folder
 * @param {Stamp | undefined} stamp
 * @param {boolean} verify
 */
async function worksAsFound(folder, stamp, verify) {
  const file = statSync(bindingPlace(folder), { throwIfNoEntry: false });
  if (!file) return false;
  if (stamp?.key === AS_FOUND && stamp.bytes === file.size && !verify) return true;
  if ((stamp && stamp.key !== AS_FOUND) || isLink(path.join(folder, 'deps'))) return false;
  const loaded = await load(folder);
  if (typeof loaded === 'string') return false;
  say(`  TensorFlow ${loaded.tensorflow} loads with the binding that is there`);
  writeStamp(folder, { key: AS_FOUND, variant: 'cpu', bytes: file.size });
  return true;
}

/**
 * Loads tfjs-node in a process of its own.
 *
 * @param {string} folder
 * @returns {Promise<Loaded | string>} what was loaded, or the end of what was printed when it failed
 */
export async function load(folder) {
  const program = fileURLToPath(new URL('load-check.mjs', import.meta.url));
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  const { ok, output, stdout } = await command(process.execPath, ['--no-deprecation', program, folder], {
    env,
  });
  return ok ? JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') : lastLines(output, 12);
}

/**
 * @param {string} folder
 * @param {Stamp | undefined} stamp
 * @param {string} key
 * @param {string} library
 */
function isLinked(folder, stamp, key, library) {
  const deps = path.join(folder, 'deps');
  const bytes = statSync(bindingPlace(folder), { throwIfNoEntry: false })?.size;
  if (stamp?.key !== key || stamp.bytes !== bytes || !isLink(deps)) return false;
  return readlinkSync(deps) === library;
}

/**
 * Each file takes its place by one rename, so that programs that start meanwhile find the old one or the new one.
 *
 * @param {string} folder
 * @param {string} binding
 * @param {string} library
 */
function link(folder, binding, library) {
  const deps = path.join(folder, 'deps');
  const fresh = `${deps}.${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  symlinkSync(library, fresh);
  const old = `${fresh}.old`;
  if (existsSync(deps) && !isLink(deps)) renameSync(deps, old);
  renameSync(fresh, deps);
  rmSync(old, { recursive: true, force: true });
  const place = bindingPlace(folder);
  mkdirSync(path.dirname(place), { recursive: true });
  copyFileSync(binding, `${place}.${process.pid}`);
  renameSync(`${place}.${process.pid}`, place);
}

/** @param {string} folder @returns {string} where tfjs-node looks for its binding */
function bindingPlace(folder) {
  return path.join(folder, 'lib', 'napi-v8', BINDING);
}

/** @param {string} file */
function isLink(file) {
  return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** @param {string} folder @returns {Stamp | undefined} */
export function readStamp(folder) {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'kindred-setup.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {string} folder @param {Stamp} stamp */
function writeStamp(folder, stamp) {
  writeFileSync(path.join(folder, 'kindred-setup.json'), `${JSON.stringify(stamp)}\n`);
}
