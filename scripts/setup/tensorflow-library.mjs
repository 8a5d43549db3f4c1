/** TensorFlow's shared libraries and C headers in the cache. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { condemnEntry, entryDamage, entryProblem, placeEntry } from './entry.mjs';
import { messageOf, SetupError } from './errors.mjs';
import { downloadWheels } from './pip.mjs';
import { megabytes, say } from './report.mjs';
import { withTemporaryFolder } from './temporary.mjs';
import { TENSORFLOW_VERSION, VARIANTS } from './tensorflow-table.mjs';

const HEADERS =
  /^(tensorflow\/c\/|tensorflow\/core\/platform\/ctstring|tsl\/platform\/ctstring|xla\/tsl\/c\/).*\.h$/;

/**
 * @param {string} platform `<os>-<architecture>`, as Node names them
 * @param {string} variant "cpu" or "gpu"
 * @returns {import('./tensorflow-table.mjs').Variant}
 */
export function wantedVariant(platform, variant) {
  const found = VARIANTS[`${platform}-${variant}`];
  if (found) return found;
  throw new SetupError(
    `There is no published TensorFlow ${TENSORFLOW_VERSION} library for ${platform} (${variant}). ` +
      `There is one for: ${Object.keys(VARIANTS).join(', ')}.` +
      (variant === 'gpu' ? ' Run "npm run setup -- --cpu" to use the processor.' : ''),
  );
}

/** @param {string} cache @param {string} platform @param {string} variant @returns {string} the entry's folder */
export function libraryFolder(cache, platform, variant) {
  return path.join(cache, 'tensorflow', `${TENSORFLOW_VERSION}-${platform}-${variant}`);
}

/**
 * Makes sure that the library is in the cache.
 *
 * @param {{ cache: string, platform: string, variant: string, verify: boolean }} wanted
 * @returns {Promise<string>} its folder, with `lib/` and `include/`
 */
export async function ensureLibrary({ cache, platform, variant, verify }) {
  const folder = libraryFolder(cache, platform, variant);
  const problem = verify ? await entryDamage(folder) : entryProblem(folder);
  if (problem === undefined) return folder;
  condemnEntry(folder);
  const { wheels, tags, libraries } = wantedVariant(platform, variant);
  const bytes = wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
  say(
    `  TensorFlow ${TENSORFLOW_VERSION} (${platform}, ${variant}): fetching ${megabytes(bytes)}, as ${problem} in ${folder}`,
  );
  try {
    await fetchLibrary({ cache, folder, wheels, tags, libraries });
  } catch (error) {
    throw new SetupError(
      `TensorFlow ${TENSORFLOW_VERSION} for ${platform} (${variant}) could not be put in the cache. ${messageOf(error)}\n` +
        `It comes from ${wheels.map(({ name, version }) => `${name} ${version}`).join(', ')} (Python packages, ` +
        `${megabytes(bytes)}), fetched by pip with pip's own configuration. Without a network, copy the folder\n  ${folder}\n` +
        'from a machine of the same kind where the set-up has run, and run "npm run setup" again.',
    );
  }
  return folder;
}

/**
 * @param {{ cache: string, folder: string } & import('./tensorflow-table.mjs').Variant} wanted
 */
async function fetchLibrary({ cache, folder, wheels, tags, libraries }) {
  await withTemporaryFolder(cache, async (temporary) => {
    const files = await downloadWheels(wheels, tags, temporary);
    say('  unpacking');
    const filled = path.join(temporary, 'entry');
    /** @type {import('./entry.mjs').Files} */
    const all = {};
    for (const file of files) {
      Object.assign(all, await unpackWheel(file, libraries, filled));
      rmSync(file);
    }
    const missing = libraries.find((name) => !all[`lib/${name}`]);
    if (missing) throw new SetupError(`The package holds no ${missing}.`);
    placeEntry(filled, all, folder);
  });
}

/**
 * TensorFlow looks for CUDA's libraries beside its own folder (`$ORIGIN/../nvidia`), so `lib/` and `nvidia/` stand side by side.
 *
 * @param {string} file
 * @param {readonly string[]} libraries
 * @param {string} folder
 */
async function unpackWheel(file, libraries, folder) {
  const { extractZip } = await import('./zip.mjs');
  return extractZip(file, (name) => placeInEntry(name, libraries), folder);
}

/**
 * @param {string} name of a wheel's member
 * @param {readonly string[]} libraries
 * @returns {string | undefined} where it goes in the entry; undefined: it is not needed
 */
export function placeInEntry(name, libraries) {
  const inTensorflow = /^tensorflow\/(.*)$/.exec(name)?.[1];
  if (inTensorflow === undefined) return /^nvidia\/[^/]+\/(lib|bin|nvvm)\//.test(name) ? name : undefined;
  if (libraries.includes(inTensorflow)) return `lib/${inTensorflow}`;
  if (inTensorflow === 'THIRD_PARTY_NOTICES.txt') return inTensorflow;
  const header = /^include\/(.*)$/.exec(inTensorflow)?.[1];
  return header !== undefined && HEADERS.test(header) ? inTensorflow : undefined;
}
