/** What esbuild is told alike wherever the project's own code is packed: modules for Node that load only what is needed. */

// Packages of the older kind ask for Node's modules with `require`.
const BANNER =
  "import { createRequire as kindredRequire } from 'node:module'; const require = kindredRequire(import.meta.url);";

/** @satisfies {import('esbuild').BuildOptions} */
export const NODE_MODULES = {
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  outExtension: { '.js': '.mjs' },
  // Beside the entries: what is found by a path relative to its file stays where it is looked for.
  chunkNames: '[name]-[hash]',
  keepNames: true,
  charset: 'utf8',
  banner: { js: BANNER },
  logLevel: 'silent',
};
