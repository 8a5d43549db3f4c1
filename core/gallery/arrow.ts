import { asCorrupt, bindingToMetadata, encode, metadataToBinding, text } from './arrow-binding.ts';
import { decodeTable } from './arrow-read.ts';
import { checkEmbeddings, createGallery, type Gallery } from './gallery.ts';

const GALLERY_COLUMNS = ['key', 'class', 'sha256'] as const;

/**
 * The gallery as an Arrow IPC file: key, class, sha256 utf8; embedding FixedSizeList<float32>[dimensions]; no nulls. The schema's
 * metadata holds kindred.distance, and kindred.model and kindred.version when the embedder is known.
 */
export async function writeGallery(gallery: Gallery): Promise<Uint8Array> {
  return encode({
    dimensions: gallery.dimensions,
    texts: new Map([
      ['key', gallery.keys],
      ['class', gallery.classes],
      ['sha256', gallery.sha256],
    ]),
    embeddings: gallery.embeddings,
    present: null,
    metadata: bindingToMetadata(gallery),
  });
}

/**
 * Reads an Arrow IPC file as {@link writeGallery} or any other Arrow library writes it.
 * @param what the file's name, for messages
 * @throws CorruptDataError when the bytes are not a whole and valid gallery
 */
export function readGallery(bytes: Uint8Array, what = 'The gallery'): Gallery {
  const table = decodeTable(bytes, GALLERY_COLUMNS, 'no-nulls', what);
  return asCorrupt(what, () =>
    createGallery({
      ...metadataToBinding(table),
      keys: text(table, 'key'),
      classes: text(table, 'class'),
      sha256: text(table, 'sha256'),
      embeddings: table.embeddings,
    }),
  );
}

/**
 * Embeddings of pictures outside any gallery as an Arrow IPC file: image utf8, embedding FixedSizeList<float32>.
 * @throws InvalidInputError when the numbers do not fit or are not finite
 */
export async function writeEmbeddings(
  images: readonly string[],
  embeddings: Float32Array,
  dimensions: number,
): Promise<Uint8Array> {
  checkEmbeddings(embeddings, images.length, dimensions);
  const texts = new Map([['image', images]]);
  return encode({ dimensions, texts, embeddings, present: null, metadata: new Map() });
}
