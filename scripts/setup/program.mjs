/** The command line, compiled: loading some hundred files of TypeScript one by one would take a third of a second at every start. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { compiledProgram, PROGRAMS, RECORD, stateOf } from './compiled.mjs';
import { messageOf, SetupError } from './errors.mjs';
import { NODE_MODULES } from './esbuild.mjs';

const ENTRY = 'cli/main.ts';

/** They bring native libraries, or are loaded so that others can put their hands on them first. */
const EXTERNAL = ['@tensorflow/*', 'fs-native-extensions', 'onnxruntime-node', 'sharp'];

/** What else decides on the outcome: the compiler's options, and the packages as they were installed. */
const SETTINGS = ['tsconfig.json', path.join('node_modules', '.package-lock.json')];

/** Programs that stay: a server loads more of its own as long as it runs, also when there are newer ones. */
const KEEP = 10;

/**
 * Compiles the command line, unless that was done and nothing changed since.
 *
 * @param {string} root of the checkout
 */
export async function ensureProgram(root) {
  if (!existsSync(path.join(root, ENTRY)) || compiledProgram(root) !== undefined) return;
  const folder = path.join(root, PROGRAMS);
  const { outputFiles, inputs } = await compiled(root);
  const name = digestOf(outputFiles);
  place(path.join(folder, name), outputFiles);
  const entry = path.join(PROGRAMS, name, 'main.mjs');
  const record = { entry, files: outputFiles.length, inputs };
  const file = path.join(root, RECORD);
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(record));
  renameSync(`${file}.${process.pid}`, file);
  removeOld(folder, name);
}

/**
 * @param {string} root
 * @returns {Promise<{ outputFiles: import('esbuild').OutputFile[], inputs: Record<string, string> }>} with the states in which they were read
 */
async function compiled(root) {
  const { build } = await import('esbuild');
  const inputs = statesOf(root, SETTINGS);
  try {
    const { outputFiles } = await build({
      ...NODE_MODULES,
      absWorkingDir: root,
      entryPoints: [ENTRY],
      outdir: path.join(root, PROGRAMS, 'main'),
      target: 'node20',
      external: EXTERNAL,
      plugins: [ownFiles(root, inputs)],
      write: false,
    });
    return { outputFiles, inputs };
  } catch (cause) {
    throw new SetupError(`esbuild could not compile the command line: ${messageOf(cause)}`);
  }
}

/** @param {string} root @param {readonly string[]} names @returns {Record<string, string>} of those that are there */
function statesOf(root, names) {
  const there = names.filter((name) => existsSync(path.join(root, name)));
  return Object.fromEntries(there.map((name) => [name, stateOf(path.join(root, name))]));
}

/**
 * Notes every file of the checkout that is compiled. Files that are named relative to a source, which `import.meta.url` is, are found from
 * the compiled program too, wherever the checkout lies.
 *
 * @param {string} root
 * @param {Record<string, string>} inputs
 * @returns {import('esbuild').Plugin}
 */
function ownFiles(root, inputs) {
  return {
    name: 'own-files',
    setup(builder) {
      builder.onLoad({ filter: /\.(?:ts|mjs|json)$/ }, async ({ path: file }) => {
        const name = path.relative(root, file);
        if (name.includes('node_modules')) return undefined;
        // Before it is read: what is edited meanwhile is compiled next time.
        inputs[name] = stateOf(file);
        const text = await readFile(file, 'utf8');
        // From the folder of a program to the checkout.
        const relative = ['..', '..', '..', ...name.split(path.sep)].join('/');
        const url = `new URL(${JSON.stringify(relative)}, import.meta.url).href`;
        const loader = /** @type {const} */ ({ '.ts': 'ts', '.mjs': 'js', '.json': 'json' });
        const kind = /** @type {keyof typeof loader} */ (path.extname(file));
        return { contents: text.replaceAll('import.meta.url', url), loader: loader[kind] };
      });
    },
  };
}

/** @param {readonly import('esbuild').OutputFile[]} files */
function digestOf(files) {
  const hash = createHash('sha256');
  for (const file of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${path.basename(file.path)} ${file.contents.length} `).update(file.contents);
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * Whole or not at all, also beside another set-up.
 *
 * @param {string} folder
 * @param {readonly import('esbuild').OutputFile[]} files
 */
function place(folder, files) {
  if (existsSync(folder)) {
    if (readdirSync(folder).length === files.length) return;
    rmSync(folder, { recursive: true });
  }
  const filling = `${folder}.${process.pid}`;
  mkdirSync(filling, { recursive: true });
  for (const file of files) writeFileSync(path.join(filling, path.basename(file.path)), file.contents);
  try {
    renameSync(filling, folder);
  } catch (error) {
    rmSync(filling, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** @param {string} folder @param {string} current */
function removeOld(folder, current) {
  const programs = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== current)
    .map(({ name }) => path.join(folder, name))
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const old of programs.slice(KEEP)) rmSync(old, { recursive: true, force: true });
}
