/** Embeddings by the SHA-256 of their images, as an Arrow IPC file. */
import { asCorrupt, bindingToMetadata, encode, metadataToBinding, text } from './arrow-binding.ts';
import { decodeTable } from './arrow-read.ts';
import { checkEmbeddings } from './gallery.ts';
import type { Binding } from './gallery.ts';
import { checkSha256 } from './names.ts';

/** Each is (dimensions). */
export type Embeddings = ReadonlyMap<string, Float32Array>;

/** Columns sha256 utf8 and embedding FixedSizeList<float32>[dimensions]; the metadata names the network that made them. */
export async function writeEmbeddingsBySum(binding: Binding, embeddings: Embeddings): Promise<Uint8Array> {
  const { dimensions } = binding;
  const all = new Float32Array(embeddings.size * dimensions);
  for (const [row, embedding] of [...embeddings.values()].entries()) all.set(embedding, row * dimensions);
  return encode({
    dimensions,
    texts: new Map([['sha256', [...embeddings.keys()]]]),
    embeddings: all,
    present: null,
    metadata: bindingToMetadata(binding),
  });
}

/**
 * Reads what {@link writeEmbeddingsBySum} wrote; the embeddings are views into one array.
 * @param what the file's name, for messages
 * @throws CorruptDataError
 */
export function readEmbeddingsBySum(
  bytes: Uint8Array,
  what: string,
): { readonly binding: Binding; readonly embeddings: Embeddings } {
  const table = decodeTable(bytes, ['sha256'], 'no-nulls', what);
  const { dimensions, embeddings } = table;
  return asCorrupt(what, () => {
    const sums = text(table, 'sha256');
    checkEmbeddings(embeddings, sums.length, dimensions);
    const rows = sums.map((sum, row): [string, Float32Array] => {
      checkSha256(sum, what);
      return [sum, embeddings.subarray(row * dimensions, (row + 1) * dimensions)];
    });
    return { binding: metadataToBinding(table), embeddings: new Map(rows) };
  });
}
