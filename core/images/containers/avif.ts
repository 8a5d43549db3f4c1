import { LARGEST_PROFILE, bufferOf, runAtEnd } from './container.ts';
import type { Container } from './container.ts';

interface Box {
  readonly type: string;
  /** Where it begins, where its content does, and where it ends. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** Luma and chroma as they are coded, and RGB with transparency. */
const HELD = 4;

/** Items that are no images (ISO/IEC 23008-12, annex A), and what libheif passes over. */
const METADATA = new Set(['Exif', 'mime', 'uri ']);
const PASSED_OVER = 'skip';

/**
 * Reads the boxes of an AVIF. Metadata and the frames of a sequence are renamed in a copy, so that nothing reads them;
 * the image of a sequence is its primary item.
 */
export function readAvif(bytes: Uint8Array): Container {
  const copy = Buffer.from(bytes);
  let end = copy.length;
  for (const box of boxesOf(copy, 0, copy.length)) {
    if (box.type === 'ftyp') nameAsStill(copy, box);
    if (box.type === 'moov' || box.type === 'moof') rename(copy, box);
    if (box.type === 'meta') hideMetadata(copy, box.from + 4, box.to);
    end = box.to;
  }
  return { bytes: copy, orientation: 1, heldPerPixel: HELD, run: runAtEnd(bufferOf(bytes).subarray(0, end)) };
}

/** libvips takes no file whose first brand is that of a sequence, and libheif wants the frames of one. */
function nameAsStill(file: Buffer, { from, to }: Box): void {
  for (let at = from; at + 4 <= to; at += 4) {
    if (/^(?:avis|msf1)$/.test(file.toString('latin1', at, at + 4))) file.write('avif', at, 'latin1');
  }
}

function hideMetadata(file: Buffer, from: number, to: number): void {
  for (const box of boxesOf(file, from, to)) {
    if (box.type === 'iinf') hideItems(file, box);
    if (box.type === 'iprp') {
      for (const properties of boxesOf(file, box.from, box.to)) {
        if (properties.type === 'ipco') hideLargeProfiles(file, properties);
      }
    }
  }
}

function hideItems(file: Buffer, { from, to }: Box): void {
  const start = from + 4 + (file[from] === 0 ? 2 : 4);
  for (const box of boxesOf(file, start, to)) {
    if (box.type !== 'infe') continue;
    // Version 2 has the item's number in 16 bits, version 3 in 32; then 16 bits on its protection.
    const at = box.from + 4 + (file[box.from] === 3 ? 4 : 2) + 2;
    if (METADATA.has(file.toString('latin1', at, at + 4))) file.write(PASSED_OVER, at, 'latin1');
  }
}

function hideLargeProfiles(file: Buffer, { from, to }: Box): void {
  for (const box of boxesOf(file, from, to)) {
    if (box.type === 'colr' && box.to - box.from > LARGEST_PROFILE) rename(file, box);
  }
}

function rename(file: Buffer, { at }: Box): void {
  file.write(PASSED_OVER, at + 4, 'latin1');
}

/** ISO/IEC 14496-12, 4.2. Stops where a box does not fit. */
function boxesOf(file: Buffer, start: number, end: number): Box[] {
  const boxes: Box[] = [];
  for (let at = start; at + 8 <= end;) {
    const type = file.toString('latin1', at + 4, at + 8);
    let [size, head] = [file.readUInt32BE(at), 8];
    if (size === 1 && at + 16 <= end) [size, head] = [Number(file.readBigUInt64BE(at + 8)), 16];
    // A size of 0 reaches to the end; zeros behind the last box are none.
    if (size === 0 && type !== '\0\0\0\0') size = end - at;
    if (size < head || at + size > end) break;
    boxes.push({ type, at, from: at + head, to: at + size });
    at += size;
  }
  return boxes;
}
