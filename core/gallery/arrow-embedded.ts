/** Pictures that were embedded, before a gallery has them: an Arrow file of a part of an import. */
import { InvalidInputError } from '../errors.ts';
import { asCorrupt, bindingToMetadata, metadataToBinding, text } from './arrow-binding.ts';
import { decodeTable } from './arrow-read.ts';
import { checkEmbeddings, checkPicture } from './gallery.ts';
import type { Binding } from './gallery.ts';
import { checkKey, classOf } from './names.ts';

/** A picture and its embedding; or why it has none, and no checksum either then. */
export type EmbeddedRow = {
  /** `<class>/<file>` */
  readonly key: string;
} & (
  | { readonly sha256: string; readonly embedding: Float32Array; readonly reason?: undefined }
  | { readonly reason: string; readonly embedding?: undefined; readonly sha256?: undefined }
);

const COLUMNS = ['key', 'sha256', 'reason'] as const;

/** The rows as an Arrow IPC file; those without embedding have a null in its place. */
export async function writeEmbedded(binding: Binding, rows: readonly EmbeddedRow[]): Promise<Uint8Array> {
  const { encodeTable } = await import('./arrow-write.ts');
  const { dimensions } = binding;
  const embeddings = new Float32Array(rows.length * dimensions);
  for (const [i, { embedding }] of rows.entries()) {
    if (embedding !== undefined) embeddings.set(embedding, i * dimensions);
  }
  return encodeTable({
    dimensions,
    texts: new Map([
      ['key', rows.map(({ key }) => key)],
      ['sha256', rows.map(({ sha256 = '' }) => sha256)],
      ['reason', rows.map(({ reason = '' }) => reason)],
    ]),
    embeddings,
    present: rows.map(({ embedding }) => embedding !== undefined),
    metadata: bindingToMetadata(binding),
  });
}

/**
 * Reads what {@link writeEmbedded} wrote; the embeddings are views into one array.
 * @param what the file's name, for messages
 * @throws CorruptDataError
 */
export function readEmbedded(
  bytes: Uint8Array,
  what: string,
): { readonly binding: Binding; readonly rows: readonly EmbeddedRow[] } {
  const table = decodeTable(bytes, COLUMNS, 'null-embeddings', what);
  const { dimensions, embeddings } = table;
  return asCorrupt(what, () => ({
    binding: metadataToBinding(table),
    rows: text(table, 'key').map((key, row): EmbeddedRow => {
      const [sha256 = '', reason = ''] = [text(table, 'sha256')[row], text(table, 'reason')[row]];
      if (table.present?.[row] === false) {
        checkKey(key, classOf(key));
        if (reason === '') throw new InvalidInputError(`Row ${row} has neither embedding nor reason.`);
        return { key, reason };
      }
      checkPicture(key, classOf(key), sha256);
      const embedding = embeddings.subarray(row * dimensions, (row + 1) * dimensions);
      checkEmbeddings(embedding, 1, dimensions);
      return { key, sha256, embedding };
    }),
  }));
}
