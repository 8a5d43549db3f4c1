/**
 * tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed, and `util.isArray`, of which Node 22 and newer warn.
 * Defining them before it is imported is enough.
 */
import { createRequire } from 'node:module';

const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
util['isNullOrUndefined'] ??= (value: unknown): boolean => value === null || value === undefined;
util['isArray'] = Array.isArray;
