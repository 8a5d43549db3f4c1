import { BrokenContainer, bufferOf } from './container.ts';
import type { Container } from './container.ts';
import { lzwPixels } from './lzw.ts';

const [EXTENSION, IMAGE, TRAILER] = [0x21, 0x2c, 0x3b];
const GRAPHIC_CONTROL = 0xf9;

/**
 * Reads the blocks of a GIF up to its first frame, which alone is kept, and closes it.
 * @throws BrokenContainer when the frame's pixels are not all there: decoders fill up silently
 */
export function readGif(bytes: Uint8Array): Container {
  const file = bufferOf(bytes);
  const parts = [file.subarray(0, 13 + tableBytes(file, 10))];
  for (let at = 13 + tableBytes(file, 10); at < file.length;) {
    const start = at;
    if (file[at] === EXTENSION) {
      at = endOfBlocks(file, at + 2).end;
      if (file[start + 1] === GRAPHIC_CONTROL) parts.push(file.subarray(start, at));
    } else if (file[at] === IMAGE && at + 10 < file.length) {
      parts.push(...frameAt(file, at), Buffer.from([TRAILER]));
      return { bytes: Buffer.concat(parts), orientation: 1, heldPerPixel: 4 };
    } else if (file[at] === TRAILER) break;
    else at++; // as decoders do with a stray byte
  }
  throw new BrokenContainer('it has no frame');
}

/** The frame's descriptor, and its pixels in blocks, with the empty one at the end. */
function frameAt(file: Buffer, at: number): Buffer[] {
  const pixels = file.readUInt16LE(at + 5) * file.readUInt16LE(at + 7);
  const start = at + 10 + tableBytes(file, at + 9);
  const { blocks, end } = endOfBlocks(file, start + 1);
  const found = lzwPixels(Buffer.concat(blocks), file[start] ?? 0, pixels);
  if (found < pixels) throw new BrokenContainer(`its first frame has ${found} of ${pixels} pixels`);
  // Where only the empty block is missing, the last one is whole.
  const isClosed = file[end - 1] === 0 && end <= file.length;
  return [file.subarray(at, end), ...(isClosed ? [] : [Buffer.alloc(1)])];
}

/** Bytes of the colour table that a packed field announces. */
function tableBytes(file: Buffer, at: number): number {
  const packed = file[at] ?? 0;
  return packed & 0x80 ? 3 << ((packed & 7) + 1) : 0;
}

/** Blocks of at most 255 bytes, each after its length, until one of none; or until the file ends. */
function endOfBlocks(file: Buffer, start: number): { readonly blocks: Buffer[]; readonly end: number } {
  const blocks: Buffer[] = [];
  let at = start;
  while (at < file.length && file[at] !== 0) {
    blocks.push(file.subarray(at + 1, at + 1 + (file[at] as number)));
    at += 1 + (file[at] as number);
  }
  return { blocks, end: Math.min(at + 1, file.length) };
}
