#!/usr/bin/env node
/** What the container of AWS Batch starts: the command line, watched. */
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

const root = new URL('../', import.meta.url);
register({ tsconfig: fileURLToPath(new URL('tsconfig.json', root)) });
await import(new URL('functions/batch.ts', root).href);
