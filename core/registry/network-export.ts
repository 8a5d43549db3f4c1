/** A version's network in the layouts that other programs read. */
import { createReadStream } from 'node:fs';
import { writeLocalFolder } from '../storage/local-folder.ts';
import type { LocalFile } from '../storage/local-folder.ts';
import { bytesOf } from '../network/onnx/bytes.ts';
import { ONNX_FILE } from '../network/onnx/names.ts';
import type { Manifest } from './manifest.ts';
import { sharedFileOf } from './load-embedder.ts';
import type { Registry } from './registry.ts';

export const NETWORK_FORMATS = ['onnx', 'tfjs'] as const;
export type NetworkFormat = (typeof NETWORK_FORMATS)[number];

type File = Uint8Array | string;

/** The files of a layout from the model and the shared weights that it names. */
type Layout = (
  model: File,
  shared: { readonly name: string; readonly file: File } | null,
) => Promise<LocalFile[]>;

const layouts: Readonly<Record<NetworkFormat, Layout>> = {
  /** The weights lie beside the model under the name that it has for them, as ONNX's external data does. */
  onnx: async (model, shared) => [
    { name: ONNX_FILE, content: contentOf(model) },
    ...(shared ? [{ name: shared.name, content: contentOf(shared.file) }] : []),
  ],
  tfjs: async (model, shared) => {
    const { graphModelOf } = await import('../network/tfjs/graph-model.ts');
    const weights = shared && bytesOf(shared.file, shared.name);
    return graphModelOf(bytesOf(model, ONNX_FILE), (name) => (name === shared?.name ? weights : null));
  },
};

const contentOf = (file: File): LocalFile['content'] =>
  typeof file === 'string' ? createReadStream(file) : [file];

/**
 * Writes the network to a new folder: whole, or not at all.
 * @throws ConflictError when the folder exists and is not empty; CorruptDataError
 */
export async function exportNetwork(
  registry: Registry,
  manifest: Manifest,
  format: NetworkFormat,
  folder: string,
): Promise<void> {
  const { model, version } = manifest;
  const shared = sharedFileOf(manifest);
  const write = (network: File, weights: File | null): Promise<void> => {
    const named = shared && weights !== null ? { name: shared.sha256, file: weights } : null;
    return writeLocalFolder(folder, files(layouts[format](network, named)));
  };
  await registry.withFile(model, version, ONNX_FILE, async (network) =>
    shared
      ? registry.withFile(model, version, shared.name, (weights) => write(network, weights))
      : write(network, null),
  );
}

async function* files(made: Promise<LocalFile[]>): AsyncGenerator<LocalFile> {
  yield* await made;
}
