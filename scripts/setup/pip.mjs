/** Fetches pinned wheels with pip, by pip's own configuration (index, proxy, certificates). */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { command, lastLines } from './command.mjs';
import { SetupError } from './errors.mjs';
import { sha256OfFile } from './hash.mjs';
import { withProgress } from './report.mjs';

/** Ways to call pip, in the order in which they are tried. */
const CALLS = [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip']];

/** @typedef {import('./tensorflow-table.mjs').Wheel} Wheel */

/**
 * @returns {Promise<{ call: string[], version: string } | undefined>} how pip is called here
 */
export async function findPip() {
  for (const call of CALLS) {
    const [program = '', ...args] = call;
    const { ok, stdout } = await command(program, [...args, '--version']);
    if (ok) return { call, version: stdout.split(' ')[1] ?? '' };
  }
  return undefined;
}

/**
 * Downloads wheels and checks their SHA-256, pip's own check aside.
 *
 * @param {readonly Wheel[]} wheels
 * @param {readonly string[]} tags platform tags to accept
 * @param {string} folder temporary; the wheels end up in it
 * @returns {Promise<string[]>} the wheels' paths
 */
export async function downloadWheels(wheels, tags, folder) {
  const pip = await findPip();
  if (!pip) {
    throw new SetupError(
      'Python with pip is needed to fetch TensorFlow and was not found (tried python3 -m pip, python, pip3, pip). ' +
        'Install it, for example with "apt-get install python3-pip" or "brew install python".',
    );
  }
  const target = path.join(folder, 'wheels');
  const scratch = path.join(folder, 'pip');
  mkdirSync(target, { recursive: true });
  mkdirSync(scratch);
  const requirements = path.join(folder, 'requirements.txt');
  writeFileSync(requirements, requirementLines(wheels));
  const [program = '', ...args] = [...pip.call, ...downloadArguments(tags, target, requirements)];
  const total = wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
  const names = wheels.length === 1 ? wheels[0]?.name : `${wheels.length} packages`;
  const { ok, output } = await withProgress(
    `downloading ${names}`,
    total,
    () => folderBytes(scratch),
    () => command(program, args, { env: { ...process.env, TMPDIR: scratch } }),
  );
  if (!ok) throw new SetupError(`pip could not download ${names}:\n${lastLines(output, 6)}`);
  return checkWheels(wheels, target);
}

/** @param {readonly Wheel[]} wheels @returns {string} a requirements file in pip's hash-checking mode */
export function requirementLines(wheels) {
  return wheels.map(({ name, version, sha256 }) => `${name}==${version} --hash=sha256:${sha256}\n`).join('');
}

/** @param {readonly string[]} tags @param {string} target @param {string} requirements */
function downloadArguments(tags, target, requirements) {
  return [
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--no-cache-dir',
    '--retries=2',
    '--disable-pip-version-check',
    '--no-input',
    '--implementation=cp',
    '--python-version=311',
    '--abi=cp311',
    ...tags.map((tag) => `--platform=${tag}`),
    '--require-hashes',
    `--requirement=${requirements}`,
    `--dest=${target}`,
  ];
}

/** @param {readonly Wheel[]} wheels @param {string} folder */
async function checkWheels(wheels, folder) {
  const wanted = new Set(wheels.map((wheel) => wheel.sha256));
  const files = readdirSync(folder).map((name) => path.join(folder, name));
  for (const file of files) {
    const sha256 = await sha256OfFile(file);
    if (!wanted.delete(sha256))
      throw new SetupError(`${path.basename(file)} has the unexpected SHA-256 ${sha256}.`);
  }
  if (wanted.size > 0) throw new SetupError(`pip downloaded ${files.length} of ${wheels.length} packages.`);
  return files;
}

/** @param {string} folder @returns {number} bytes of all files in it, as far as they can be seen while pip works */
function folderBytes(folder) {
  let sum = 0;
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = statSync(path.join(folder, String(name)), { throwIfNoEntry: false });
    if (file?.isFile()) sum += file.size;
  }
  return sum;
}
