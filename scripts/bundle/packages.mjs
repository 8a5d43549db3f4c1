/** The packages with native libraries, and of these only the platform's. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { command, npmErrors, NPM_PATIENCE } from '../setup/command.mjs';
import { SetupError } from '../setup/errors.mjs';

/** Everything that "sharp" and "onnxruntime-node" load, by hand: npm's lists have what only their installation needs. */
const PLAIN = ['sharp', '@img/colour', 'detect-libc', 'semver', 'onnxruntime-node', 'onnxruntime-common'];

/** Nothing of it is loaded. */
const NEEDLESS =
  /\.(?:map|md|ts|mts|cts|hpp?|cc)$|(?:^|\/)(?:install|src|script|__tests__|node_modules|glib-2\.0|bin\/semver\.js)(?:\/|$)/;

/**
 * @param {string} arch
 * @returns {string[]} the packages with sharp's libraries for it
 */
const nativeNames = (arch) => [`@img/sharp-linux-${arch}`, `@img/sharp-libvips-linux-${arch}`];

/** @param {{ root: string, folder: string, arch: string }} options `folder`: the node_modules to fill */
export async function copyPackages({ root, folder, arch }) {
  const modules = path.join(root, 'node_modules');
  for (const name of PLAIN) copyPackage(modules, folder, name, arch);
  const wanted = lockedPackages(root, nativeNames(arch));
  const isHere = Object.entries(wanted).every(([name, { version }]) => installed(modules, name) === version);
  if (isHere) {
    for (const name of Object.keys(wanted)) copyPackage(modules, folder, name, arch);
    return;
  }
  const temporary = mkdtempSync(path.join(tmpdir(), 'kindred-bundle-'));
  try {
    await install(temporary, wanted, arch);
    for (const name of Object.keys(wanted))
      copyPackage(path.join(temporary, 'node_modules'), folder, name, arch);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @param {string} from @param {string} to @param {string} name @param {string} arch */
function copyPackage(from, to, name, arch) {
  const source = path.join(from, name);
  cpSync(source, path.join(to, name), {
    recursive: true,
    dereference: true,
    filter(file) {
      const relative = path.relative(source, file).split(path.sep).join('/');
      if (NEEDLESS.test(relative)) return false;
      const [, platform, processor] = /^bin\/napi-v\d+(?:\/([^/]+))?(?:\/([^/]+))?/.exec(relative) ?? [];
      return (platform ?? 'linux') === 'linux' && (processor ?? arch) === arch;
    },
  });
}

/** @typedef {{ version: string, integrity: string }} Locked */

/** @param {string} root @param {readonly string[]} names @returns {Record<string, Locked>} */
function lockedPackages(root, names) {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return Object.fromEntries(
    names.map((name) => {
      const found = packages[`node_modules/${name}`];
      if (found) return [name, found];
      throw new SetupError(`package-lock.json has no package "${name}", which the functions need.`);
    }),
  );
}

/** @param {string} modules @param {string} name @returns {string | null} its version */
function installed(modules, name) {
  const file = path.join(modules, name, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : null;
}

/**
 * Has npm fetch packages of another platform, which it compares with the checksums of package-lock.json.
 *
 * @param {string} folder
 * @param {Record<string, Locked>} wanted
 * @param {string} arch
 */
async function install(folder, wanted, arch) {
  const dependencies = Object.fromEntries(
    Object.entries(wanted).map(([name, { version }]) => [name, version]),
  );
  const project = { name: 'natives', version: '0.0.0', dependencies };
  const packages = Object.fromEntries(
    Object.entries(wanted).map(([name, { version, integrity }]) => [
      `node_modules/${name}`,
      { version, integrity },
    ]),
  );
  const lock = { ...project, lockfileVersion: 3, requires: true, packages: { '': project, ...packages } };
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(project));
  writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify(lock));
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...NPM_PATIENCE];
  const { ok, output } = await command(
    'npm',
    ['ci', '--os=linux', `--cpu=${arch}`, '--libc=glibc', ...flags],
    { cwd: folder },
  );
  if (!ok) {
    throw new SetupError(
      `npm could not fetch ${Object.keys(wanted).join(' and ')}, which a package for ${arch} needs:\n${npmErrors(output, 8)}`,
    );
  }
}
