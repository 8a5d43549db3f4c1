/** From a version's files to what answers. ONNX Runtime is loaded here, and not before. */
import type { Embedder } from '../embedding/embedder.ts';
import type { ExternalWeights } from '../embedding/onnx-session.ts';
import { ONNX_FILE } from '../network/onnx/names.ts';
import type { Manifest } from './manifest.ts';
import type { Registry } from './registry.ts';

export interface LoadOptions {
  /** @default as many as there are cores */
  readonly threads?: number | undefined;
}

/** @throws NotFoundError when the version has no network; CorruptDataError */
export async function loadEmbedder(
  registry: Registry,
  manifest: Manifest,
  { threads }: LoadOptions = {},
): Promise<Embedder> {
  const [{ onnxEmbedder }, { startOnnxThread, endOnnxThread }] = await Promise.all([
    import('../embedding/onnx.ts'),
    import('../embedding/onnx-session.ts'),
  ]);
  // It gets ready while the files are read.
  const thread = startOnnxThread();
  const { model, version } = manifest;
  try {
    return await withShared(registry, manifest, (shared) =>
      registry.withFile(model, version, ONNX_FILE, (file) =>
        onnxEmbedder(file, { shared, given: true, threads, thread }),
      ),
    );
  } catch (error) {
    endOnnxThread(thread);
    throw error;
  }
}

/** The weights that the version shares with others, which its network names. */
function withShared<T>(
  registry: Registry,
  { model, version, files }: Manifest,
  work: (shared: ExternalWeights | undefined) => Promise<T>,
): Promise<T> {
  const [name, ...others] = Object.keys(files).filter((each) => files[each]?.blob);
  if (name === undefined || others.length > 0) return work(undefined);
  const { sha256 = '' } = files[name] ?? {};
  return registry.withFile(model, version, name, (file) => work({ name: sha256, file }));
}
