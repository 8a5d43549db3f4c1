/** tfjs-node's binding to TensorFlow: built from the package's own sources, kept in the cache. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { INSERTIONS, patched } from './binding-patch.mjs';
import { command, lastLines } from './command.mjs';
import { condemnEntry, entryDamage, entryProblem, placeEntry } from './entry.mjs';
import { SetupError } from './errors.mjs';
import { sha256, sha256OfFile } from './hash.mjs';
import { say, since } from './report.mjs';
import { TENSORFLOW_VERSION, VARIANTS } from './tensorflow-table.mjs';
import { withTemporaryFolder } from './temporary.mjs';

export const BINDING = 'tfjs_binding.node';
/** The source that is patched, and the other one. */
const PATCHED = 'tfjs_backend.cc';
const UNCHANGED = 'tfjs_binding.cc';
const FLAGS = ['-fPIC', '-O2', '-std=c++17', '-DNAPI_VERSION=8'];
/** What differs between the linkers; the path leads from the binding's place in the package to `deps/lib`. */
const LINK_FLAGS = {
  linux: ['-shared', '-Wl,-rpath,$ORIGIN/../../deps/lib'],
  darwin: ['-bundle', '-undefined', 'dynamic_lookup', '-Wl,-rpath,@loader_path/../../deps/lib'],
};

/**
 * @typedef {object} BindingInputs
 * @property {string} cache
 * @property {string} modules the folder node_modules
 * @property {string} platform
 * @property {string} variant
 */

/**
 * Names the binding by all that it is made from.
 *
 * @param {BindingInputs} inputs
 * @returns {string}
 */
export function bindingKey({ modules, platform, variant }) {
  const folder = path.join(modules, '@tensorflow', 'tfjs-node');
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const sources = path.join(folder, 'binding');
  const contents = readdirSync(sources)
    .toSorted()
    .flatMap((name) => [name, readFileSync(path.join(sources, name))]);
  const digest = sha256([...contents, JSON.stringify([FLAGS, linkFlags(platform), INSERTIONS])]);
  return `${version}-${TENSORFLOW_VERSION}-${platform}-${variant}-${digest.slice(0, 16)}`;
}

/**
 * Makes sure that the binding is in the cache.
 *
 * @param {BindingInputs & { library: string, verify: boolean, rebuild: boolean }} inputs
 * @returns {Promise<string>} the binding's path
 */
export async function ensureBinding(inputs) {
  const folder = path.join(inputs.cache, 'binding', bindingKey(inputs));
  if (inputs.rebuild) condemnEntry(folder);
  const problem = inputs.verify ? await entryDamage(folder) : entryProblem(folder);
  if (problem !== undefined) {
    condemnEntry(folder);
    await buildBinding(inputs, folder);
  }
  return path.join(folder, BINDING);
}

/**
 * @param {BindingInputs & { library: string }} inputs
 * @param {string} folder
 */
async function buildBinding(inputs, folder) {
  const compiler = await findCompiler();
  const start = performance.now();
  say(`  building TensorFlow's binding with ${compiler} (some 10 s)`);
  await withTemporaryFolder(inputs.cache, async (temporary) => {
    const filled = path.join(temporary, 'entry');
    mkdirSync(filled);
    const file = path.join(filled, BINDING);
    const { ok, output } = await command(
      compiler,
      compilerArguments(inputs, patchedSource(inputs, temporary), file),
    );
    if (!ok)
      throw new SetupError(`${compiler} could not build TensorFlow's binding:\n${lastLines(output, 12)}`);
    placeEntry(
      filled,
      { [BINDING]: { bytes: statSync(file).size, sha256: await sha256OfFile(file) } },
      folder,
    );
  });
  say(`  built in ${since(start)}`);
}

/** @param {BindingInputs} inputs */
function sourcesOf({ modules }) {
  return path.join(modules, '@tensorflow', 'tfjs-node', 'binding');
}

/** @param {BindingInputs} inputs @param {string} folder @returns {string} the patched source's path */
function patchedSource(inputs, folder) {
  const file = path.join(folder, PATCHED);
  writeFileSync(file, patched(readFileSync(path.join(sourcesOf(inputs), PATCHED), 'utf8')));
  return file;
}

/** @param {BindingInputs & { library: string }} inputs @param {string} patchedFile @param {string} output */
function compilerArguments(inputs, patchedFile, output) {
  const { modules, platform, variant, library } = inputs;
  const sources = sourcesOf(inputs);
  const libraries = VARIANTS[`${platform}-${variant}`]?.libraries ?? [];
  return [
    ...FLAGS,
    `-I${path.join(modules, 'node-api-headers', 'include')}`,
    `-I${path.join(library, 'include')}`,
    `-I${sources}`,
    patchedFile,
    path.join(sources, UNCHANGED),
    ...libraries.map((name) => path.join(library, 'lib', name)),
    ...linkFlags(platform),
    '-o',
    output,
  ];
}

/** @param {string} platform */
function linkFlags(platform) {
  return platform.startsWith('darwin') ? LINK_FLAGS.darwin : LINK_FLAGS.linux;
}

/** @returns {Promise<string>} a C++ compiler: the variable CXX, else the first of the usual names */
export async function findCompiler() {
  const own = process.env['CXX'];
  for (const name of own ? [own] : ['g++', 'c++', 'clang++']) {
    if ((await command(name, ['--version'])).ok) return name;
  }
  throw new SetupError(
    `A C++ compiler is needed to build TensorFlow's binding and was not found (tried ${own ? `CXX=${own}` : 'g++, c++, clang++'}). ` +
      'Install one, for example with "apt-get install g++" or "xcode-select --install".',
  );
}
