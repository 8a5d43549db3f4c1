import { encode } from './arrow-binding.ts';
import type { Golden } from '../embedding/golden.ts';
import { CorruptDataError } from '../errors.ts';
import { decodeTable } from './arrow-read.ts';

const MADE_BY = 'kindred.made-by';

/** Golden pictures as an Arrow IPC file: `picture` utf8, `png` binary, `embedding` FixedSizeList<float32>. */
export async function writeGolden({ dimensions, pictures, madeBy }: Golden): Promise<Uint8Array> {
  const embeddings = new Float32Array(pictures.length * dimensions);
  for (const [row, { embedding }] of pictures.entries()) embeddings.set(embedding, row * dimensions);
  return encode({
    dimensions,
    texts: new Map([['picture', pictures.map(({ name }) => name)]]),
    binaries: new Map([['png', pictures.map(({ png }) => png)]]),
    embeddings,
    present: null,
    metadata: new Map([[MADE_BY, madeBy]]),
  });
}

/**
 * Reads what {@link writeGolden} wrote.
 * @param what the file's name, for messages
 * @throws CorruptDataError also when there is no picture in it, for then nothing would be shown by it
 */
export function readGolden(bytes: Uint8Array, what: string): Golden {
  const { dimensions, texts, binaries, embeddings, metadata } = decodeTable(
    bytes,
    ['picture'],
    'no-nulls',
    what,
    ['png'],
  );
  const names = texts.get('picture') ?? [];
  const pictures = names.map((name, row) => ({
    name,
    png: binaries?.get('png')?.[row] ?? new Uint8Array(0),
    embedding: embeddings.slice(row * dimensions, (row + 1) * dimensions),
  }));
  if (pictures.length === 0) throw new CorruptDataError(`${what} is damaged: it holds no picture.`);
  return { dimensions, pictures, madeBy: metadata.get(MADE_BY) ?? 'an unknown engine' };
}
