/** The functions' code, with all packages that are plain JavaScript in it. */
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { SetupError, messageOf } from '../setup/errors.mjs';
import { NODE_MODULES } from '../setup/esbuild.mjs';

/** Beside the functions: the thread that ONNX Runtime computes in, which is started by its file's name. */
const ENTRIES = ['functions/api.ts', 'functions/ingest.ts', 'core/embedding/onnx-thread.mjs'];

/** They bring native libraries and come as packages. */
const EXTERNAL = ['onnxruntime-node', 'sharp'];

/** What computes with TensorFlow; a process in Lambda that loads it is told that it is not there. */
const ABSENT = /(?:^|\/)(?:embedding\/tfjs|network\/saved-network|train-[a-z]+)\.ts$/;

/** What must not be in the code, nor be asked for by it: it would load TensorFlow, or is for other programs. */
const FORBIDDEN = /^(?:@tensorflow\/.*|commander|tsx|fs-native-extensions)$/;

/** @type {import('esbuild').Plugin} */
const withoutTensorFlow = {
  name: 'without-tensorflow',
  setup(builder) {
    builder.onResolve({ filter: FORBIDDEN }, ({ path: name, importer }) => ({
      errors: [{ text: `${name} must not be in the package; ${importer} asks for it` }],
    }));
    builder.onResolve({ filter: ABSENT }, ({ path: name }) => ({ path: name, namespace: 'absent' }));
    builder.onLoad({ filter: /.*/, namespace: 'absent' }, () => ({
      contents: "throw new Error('TensorFlow is not part of this package: it does not fit into Lambda.');",
    }));
  },
};

/**
 * @param {string} root of the project
 * @param {string} folder where the code goes
 */
export async function bundleCode(root, folder) {
  const { metafile } = await bundled({
    ...NODE_MODULES,
    absWorkingDir: root,
    entryPoints: ENTRIES.map((name) => ({ in: name, out: path.parse(name).name })),
    outdir: folder,
    target: 'node22',
    minify: true,
    legalComments: 'none',
    external: EXTERNAL,
    plugins: [withoutTensorFlow],
    metafile: true,
  });
  checkReach(metafile);
}

/** What is left out has to be there without the package. @param {import('esbuild').Metafile} metafile */
function checkReach({ outputs }) {
  const asked = Object.values(outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external }) => external)
    .map(({ path: name }) => name);
  const unknown = asked.filter((name) => !EXTERNAL.includes(name) && !isBuiltin(name));
  if (unknown.length > 0) throw new SetupError(`The functions would not find ${unknown.join(', ')}.`);
}

/** @param {import('esbuild').BuildOptions & { metafile: true }} options */
async function bundled(options) {
  try {
    return await build(options);
  } catch (cause) {
    throw new SetupError(`esbuild could not make the functions' code: ${messageOf(cause)}`);
  }
}
