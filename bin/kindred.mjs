#!/usr/bin/env node
/** The command `kindred`: starts the TypeScript program without a build step. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);

if (existsSync(new URL('node_modules/tsx', root))) {
  const { register } = await import('tsx/esm/api');
  register({ tsconfig: fileURLToPath(new URL('tsconfig.json', root)) });
  await import(new URL('cli/main.ts', root).href);
} else {
  process.stderr.write('Kindred is not set up yet: run "npm run setup" in its folder, then try again.\n');
  process.exitCode = 1;
}
