#!/usr/bin/env node
/** The command `kindred`: what the set-up compiled, or its TypeScript where that changed since. */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compiledProgram } from '../scripts/setup/compiled.mjs';

const root = new URL('../', import.meta.url);
// Traces of errors name the lines of the sources only where these run.
const compiled = process.argv.includes('--debug') ? undefined : compiledProgram(fileURLToPath(root));

if (compiled !== undefined) {
  await import(pathToFileURL(compiled).href);
} else if (existsSync(new URL('node_modules/tsx', root))) {
  const { register } = await import('tsx/esm/api');
  register({ tsconfig: fileURLToPath(new URL('tsconfig.json', root)) });
  await import(new URL('cli/main.ts', root).href);
} else {
  process.stderr.write('Kindred is not set up yet: run "npm run setup" in its folder, then try again.\n');
  process.exitCode = 1;
}
