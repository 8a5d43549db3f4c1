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

/** The file of weights that the version shares with others, which its network names by the SHA-256; null when there is none. */
export function sharedFileOf({ files }: Manifest): { readonly name: string; readonly sha256: string } | null {
  const [found, ...others] = Object.entries(files).filter(([, { blob }]) => blob);
  return found === undefined || others.length > 0 ? null : { name: found[0], sha256: found[1].sha256 };
}

function withShared<T>(
  registry: Registry,
  manifest: Manifest,
  work: (shared: ExternalWeights | undefined) => Promise<T>,
): Promise<T> {
  const shared = sharedFileOf(manifest);
  if (shared === null) return work(undefined);
  const { model, version } = manifest;
  return registry.withFile(model, version, shared.name, (file) => work({ name: shared.sha256, file }));
}
