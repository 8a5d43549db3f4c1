import { sha256 } from '../storage/local-file.ts';

export const NETWORK_FILES = ['network/model.json', 'network/weights.bin'] as const;

/**
 * What a gallery is bound to: SHA-256 of the lines `<sha256>  <file>` of the network's files.
 * @param files with their SHA-256, as in a manifest
 */
export function networkIdOf(files: Readonly<Record<string, { readonly sha256: string }>>): string {
  const lines = NETWORK_FILES.map((name) => `${files[name]?.sha256 ?? 'none'}  ${name}\n`);
  return sha256(new TextEncoder().encode(lines.join('')));
}
