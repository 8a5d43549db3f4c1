/** From a version's files to what answers, on either engine. Each engine's library is loaded here, and not before. */
import type { Embedder, EngineName } from '../embedding/embedder.ts';
import { NotFoundError } from '../errors.ts';
import { ONNX_FILE } from '../network/onnx/names.ts';
import type { Manifest } from './manifest.ts';
import { NETWORK_FILES } from './network-id.ts';
import type { Registry } from './registry.ts';

/** The bytes of one file of the version, checked. */
type ReadFile = (name: string) => Promise<Uint8Array>;

const [DESCRIPTION, WEIGHTS] = NETWORK_FILES;

/** The same for what takes a path as well. */
type WithFile = <T>(name: string, work: (file: Uint8Array | string) => Promise<T>) => Promise<T>;

interface LoadOptions {
  /** @default as many as there are cores */
  readonly threads?: number | undefined;
}

type Load = (read: ReadFile, withFile: WithFile, options: LoadOptions) => Promise<Embedder>;

const loaders: Readonly<Record<EngineName, Load>> = {
  async onnx(read, withFile, { threads }) {
    const [{ preprocessingOf }, { onnxEmbedder }, { startOnnxThread, endOnnxThread }] = await Promise.all([
      import('../network/saved-document.ts'),
      import('../embedding/onnx.ts'),
      import('../embedding/onnx-session.ts'),
    ]);
    // It gets ready while the file is read.
    const thread = startOnnxThread();
    try {
      const preprocessing = preprocessingOf(await read(DESCRIPTION));
      const options = { given: true, threads, thread };
      return await withFile(ONNX_FILE, (file) => onnxEmbedder(file, preprocessing, options));
    } catch (error) {
      endOnnxThread(thread);
      throw error;
    }
  },

  async tfjs(read) {
    const [{ readNetwork }, { tfjsEmbedder }] = await Promise.all([
      import('../network/saved-network.ts'),
      import('../embedding/tfjs.ts'),
    ]);
    return tfjsEmbedder(readNetwork(await read(DESCRIPTION), await read(WEIGHTS)));
  },
};

/** @throws NotFoundError when the version has no model for the engine; CorruptDataError */
export async function loadEmbedder(
  registry: Registry,
  { model, version, files }: Manifest,
  engine: EngineName,
  options: LoadOptions = {},
): Promise<Embedder> {
  if (engine === 'onnx' && !Object.hasOwn(files, ONNX_FILE)) {
    throw new NotFoundError(
      `${model}@${version} has no ${ONNX_FILE}: it was made by a Kindred that did not write it. Ask with --engine tfjs, ` +
        `or train it again ("kindred train").`,
    );
  }
  return loaders[engine](
    (name) => registry.file(model, version, name),
    (name, work) => registry.withFile(model, version, name, work),
    options,
  );
}
