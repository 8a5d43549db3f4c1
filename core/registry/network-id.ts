import { ONNX_FILE } from '../network/onnx/names.ts';

/**
 * What a gallery is bound to: the SHA-256 of the network's file, which names the SHA-256 of what it shares.
 * @param files with their SHA-256, as in a manifest
 */
export function networkIdOf(files: Readonly<Record<string, { readonly sha256: string }>>): string {
  return files[ONNX_FILE]?.sha256 ?? 'none';
}
