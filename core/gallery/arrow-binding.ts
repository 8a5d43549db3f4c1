/** What galleries, embeddings and changes have in common as Arrow files. */
import { CorruptDataError, InvalidInputError } from '../errors.ts';
import type { EmbeddingTable } from './arrow-write.ts';
import { type Binding, GALLERY_DISTANCES } from './gallery.ts';

let writer: Promise<{ encodeTable: (table: EmbeddingTable) => Uint8Array }> | undefined;

/** The table as an Arrow IPC file. What only reads never loads the library that writes. */
export async function encode(table: EmbeddingTable): Promise<Uint8Array> {
  writer ??= import('./arrow-write.ts');
  return (await writer).encodeTable(table);
}

/** A text column; empty where there is none of that name. */
export function text(table: EmbeddingTable, name: string): readonly string[] {
  return table.texts.get(name) ?? [];
}

/** kindred.distance, and kindred.model and kindred.version when the embedder is known. */
export function bindingToMetadata({ distance, embedder }: Binding): Map<string, string> {
  const metadata = new Map([['kindred.distance', distance as string]]);
  if (embedder !== null) {
    metadata.set('kindred.model', embedder.model).set('kindred.version', embedder.version);
  }
  return metadata;
}

/**
 * Files of other writers may lack the metadata: then squared Euclidean distances and an unknown embedder.
 * @throws InvalidInputError
 */
export function metadataToBinding({ dimensions, metadata }: EmbeddingTable): Binding {
  const named = metadata.get('kindred.distance') ?? 'squared-euclidean';
  const distance = GALLERY_DISTANCES.find((one) => one === named);
  if (distance === undefined) {
    throw new InvalidInputError(
      `Its distance is ${JSON.stringify(named)}; known are ${GALLERY_DISTANCES.join(' and ')}.`,
    );
  }
  const [model, version] = [metadata.get('kindred.model'), metadata.get('kindred.version')];
  if ((model === undefined) !== (version === undefined)) {
    throw new InvalidInputError('It names only one of kindred.model and kindred.version.');
  }
  const embedder = model === undefined || version === undefined ? null : { model, version };
  return { dimensions, distance, embedder };
}

/** What is wrong with values that were read is the file's fault. */
export function asCorrupt<T>(what: string, build: () => T): T {
  try {
    return build();
  } catch (cause) {
    if (!(cause instanceof InvalidInputError)) throw cause;
    throw new CorruptDataError(`${what} is damaged. ${cause.message}`, { cause });
  }
}
