/** The npm packages. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { command, npmErrors, NPM_PATIENCE } from './command.mjs';
import { SetupError } from './errors.mjs';
import { say, since } from './report.mjs';

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, dev?: boolean, devOptional?: boolean, link?: boolean }} LockedPackage */

/**
 * Compares package-lock.json with what npm noted when it had finished installing.
 *
 * @param {string} root
 * @param {boolean} [forUseOnly] whether packages that are for development may be missing, as npm leaves them out where NODE_ENV is production
 * @returns {boolean}
 */
export function dependenciesAreThere(root, forUseOnly = process.env['NODE_ENV'] === 'production') {
  const installed = packagesOf(path.join(root, 'node_modules', '.package-lock.json'));
  const wanted = packagesOf(path.join(root, 'package-lock.json'));
  if (!installed || !wanted) return false;
  return Object.entries(wanted).every(([name, { version, integrity, optional, dev, devOptional }]) => {
    if (name === '') return true;
    const found = installed[name];
    if (!found) return optional === true || (forUseOnly && (dev === true || devOptional === true));
    return found.version === version && found.integrity === integrity;
  });
}

/** @param {string} file @returns {Record<string, LockedPackage> | undefined} */
function packagesOf(file) {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** @param {string} root */
export async function ensureDependencies(root) {
  if (dependenciesAreThere(root)) return;
  const start = performance.now();
  say('  npm packages: installing those of package-lock.json (some 10 to 60 s)');
  const { ok, output } = await command('npm', ['ci', '--prefer-offline', ...NPM_PATIENCE], {
    cwd: root,
  });
  if (!ok) {
    throw new SetupError(
      `npm could not install the packages of package-lock.json:\n${npmErrors(output, 8)}\n` +
        'They come from the registry that npm is configured for ("npm config get registry"). Without a network, copy the folder ' +
        'node_modules from a checkout on a machine of the same kind, and run "npm run setup" again.',
    );
  }
  say(`  npm packages: installed in ${since(start)}`);
}
