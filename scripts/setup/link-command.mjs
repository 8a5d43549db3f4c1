/** `npx kindred`: npx looks in node_modules/.bin, where npm puts no command of the package itself. */
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

/** @param {string} root */
export function linkCommand(root) {
  const place = path.join(root, 'node_modules', '.bin', 'kindred');
  if (existsSync(place)) return;
  rmSync(place, { force: true });
  mkdirSync(path.dirname(place), { recursive: true });
  symlinkSync('../../bin/kindred.mjs', place);
}
