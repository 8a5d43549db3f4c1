/** The functions' code, with all packages that are plain JavaScript in it. */
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { SetupError } from '../setup/errors.mjs';

/** Beside the functions: the thread that ONNX Runtime computes in, which is started by its file's name. */
const ENTRIES = ['functions/api.ts', 'functions/ingest.ts', 'core/embedding/onnx-thread.mjs'];

/** They bring native libraries and come as packages. */
export const EXTERNAL = ['onnxruntime-node', 'sharp'];

/** What only TensorFlow needs; who asks for its engine in Lambda is told that it is not there. */
const ABSENT = /(?:^|\/)(?:embedding\/tfjs|network\/saved-network)\.ts$/;

/** No part of it may be in the code, nor be asked for by it. */
const FORBIDDEN = /tensorflow|tfjs|^commander$|^tsx$|^fs-native-extensions$/;

// Packages of the older kind ask for Node's modules with `require`.
const BANNER =
  "import { createRequire as kindredRequire } from 'node:module'; const require = kindredRequire(import.meta.url);";

/** @type {import('esbuild').Plugin} */
const withoutTensorFlow = {
  name: 'without-tensorflow',
  setup(builder) {
    builder.onResolve({ filter: ABSENT }, ({ path: name }) => ({ path: name, namespace: 'absent' }));
    builder.onLoad({ filter: /.*/, namespace: 'absent' }, () => ({
      contents:
        "throw new Error('The engine tfjs is not part of this package: TensorFlow does not fit into Lambda.');",
    }));
  },
};

/**
 * @param {string} root of the project
 * @param {string} folder where the code goes
 */
export async function bundleCode(root, folder) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ENTRIES.map((name) => ({ in: name, out: path.parse(name).name })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    // Beside the entries: what is found by a path relative to its file stays where it is looked for.
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify: true,
    keepNames: true,
    legalComments: 'none',
    charset: 'utf8',
    banner: { js: BANNER },
    external: EXTERNAL,
    plugins: [withoutTensorFlow],
    metafile: true,
    logLevel: 'silent',
  });
  checkReach(metafile);
}

/** @param {import('esbuild').Metafile} metafile */
export function checkReach({ inputs, outputs }) {
  const packages = Object.keys(inputs).flatMap(
    (name) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? [],
  );
  const asked = Object.values(outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external }) => external)
    .map(({ path: name }) => name);
  const wrong = [...new Set([...packages, ...asked])].filter((name) => FORBIDDEN.test(name));
  const unknown = asked.filter((name) => !EXTERNAL.includes(name) && !isBuiltin(name));
  if (wrong.length + unknown.length === 0) return;
  throw new SetupError(
    `The functions' code would load what must not or cannot be in the package: ${[...wrong, ...unknown].join(', ')}.`,
  );
}
