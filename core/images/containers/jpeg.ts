import { BrokenContainer, LARGEST_PROFILE, bufferOf, runAtEnd } from './container.ts';
import type { Container, JpegDoubt } from './container.ts';
import { JpegFrame } from './jpeg-frame.ts';
import { orientationOf } from './orientation.ts';

/** Second bytes of markers (ITU-T T.81, table B.1). */
const [SOI, EOI, SOS, DRI] = [0xd8, 0xd9, 0xda, 0xdd];
const [APP0, APP1, APP2, APP14] = [0xe0, 0xe1, 0xe2, 0xee];
/** Huffman tables, quantization tables, the number of lines. */
const TABLES = new Set([0xc4, 0xdb, 0xdc]);
/** Far more than cameras and encoders write; each costs as much as a small block of pixels. */
const MOST_SEGMENTS = 20_000;
/** Bytes alike at the end of a scan, from which on it is looked whether they are the image's. */
const LONG_RUN = 24;
const NOISE_BYTES = 4096;
const END = Buffer.from([0xff, EOI]);

/**
 * Reads the segments and scans of a JPEG up to EOI, or up to the file's end where that is missing, and closes it.
 * Parameters that a sequential scan does not have are put right, and stray bytes between segments left out.
 * @throws BrokenContainer when scans, parts of them, or the pixels of a component are missing
 * @throws UnsupportedKind for the processes of the standard that hardly anything writes
 */
export function readJpeg(bytes: Uint8Array): Container {
  const file = bufferOf(bytes);
  const parts: Buffer[] = [file.subarray(0, 2)];
  const walk = new Walk(parts);
  let at = 2;
  for (let steps = 0; (at = file.indexOf(0xff, at)) !== -1 && at + 1 < file.length; steps++) {
    if (steps > MOST_SEGMENTS) throw new BrokenContainer(`it has more than ${MOST_SEGMENTS} segments`);
    while (file[at + 1] === 0xff) at++; // filling
    const marker = file[at + 1] ?? 0;
    if (marker === EOI) return walk.end(true);
    // Stuffing, and markers without content.
    if (marker <= 1 || (marker >= 0xd0 && marker <= SOI)) at += 2;
    else {
      const end = at + 2 + (at + 4 <= file.length ? file.readUInt16BE(at + 2) : Infinity);
      if (end < at + 4 || end > file.length) break;
      walk.segment(marker, file.subarray(at, end));
      at = marker === SOS ? walk.scan(file, end) : end;
    }
  }
  return walk.end(false);
}

class Walk {
  readonly #parts: Buffer[];
  #frame: JpegFrame | null = null;
  #interval = 0;
  #orientation = 1;
  #profileBytes = 0;
  #scans = 0;
  #last: Buffer = Buffer.alloc(0);

  constructor(parts: Buffer[]) {
    this.#parts = parts;
  }

  segment(marker: number, segment: Buffer): void {
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) this.#frame ??= new JpegFrame(marker, segment);
    if (marker === DRI && segment.length >= 6) this.#interval = segment.readUInt16BE(4);
    if (marker === SOS) {
      if (this.#frame === null) throw new BrokenContainer('a scan stands before the header');
      this.#parts.push(this.#frame.scan(segment));
    } else if (isFrame || marker === DRI || TABLES.has(marker) || this.#isKept(marker, segment)) {
      this.#parts.push(segment);
    }
  }

  #isKept(marker: number, segment: Buffer): boolean {
    const begins = (text: string): boolean => segment.toString('latin1', 4, 4 + text.length) === text;
    if (marker === APP1 && begins('Exif\0\0') && this.#orientation === 1) {
      this.#orientation = orientationOf(segment.subarray(4));
    }
    if (marker === APP2 && begins('ICC_PROFILE\0')) {
      this.#profileBytes += segment.length;
      return this.#profileBytes <= LARGEST_PROFILE;
    }
    return (marker === APP0 && begins('JFIF\0')) || (marker === APP14 && begins('Adobe'));
  }

  /** The data of a scan. @returns where the next marker is */
  scan(file: Buffer, from: number): number {
    let restarts = 0;
    let to = from;
    while ((to = file.indexOf(0xff, to)) !== -1) {
      const next = file[to + 1] ?? EOI;
      const isRestart = next >= 0xd0 && next <= 0xd7;
      if (next !== 0 && next !== 0xff && !isRestart) break;
      if (isRestart) this.#frame?.restart(next - 0xd0, restarts++, this.#interval);
      to += next === 0xff ? 1 : 2;
    }
    const end = to === -1 ? file.length : to;
    this.#frame?.endScan(restarts, this.#interval);
    this.#last = withoutFilling(file.subarray(from, end));
    this.#parts.push(this.#last);
    this.#scans++;
    return end;
  }

  /** Of progressive ones the decoder itself tells what it missed, for it reads all scans first. */
  #doubt(isClosed: boolean): JpegDoubt | null {
    const last = this.#last;
    const run = runAtEnd(last);
    if (run < LONG_RUN && (isClosed || this.#frame?.isProgressive)) return null;
    const before = this.#parts.slice(0, -1);
    return {
      kind: run < LONG_RUN ? 'unclosed' : 'filled',
      ending(cut, tail) {
        const scan = last.subarray(0, Math.max(0, last.length - (cut === 'run' ? run : cut)));
        return Buffer.concat([
          ...before,
          scan,
          tail === 'noise' ? noise(NOISE_BYTES) : scan.subarray(0, 0),
          END,
        ]);
      },
    };
  }

  end(isClosed: boolean): Container {
    const frame = this.#frame;
    if (frame === null || this.#scans === 0) throw new BrokenContainer('it ends before its pixels');
    const missing = frame.missing();
    if (missing !== null) throw new BrokenContainer(missing);
    const doubt = this.#doubt(isClosed);
    return {
      bytes: Buffer.concat([...this.#parts, END]),
      orientation: this.#orientation,
      passes: frame.isProgressive ? this.#scans : 1,
      heldPerPixel: frame.isProgressive || this.#scans > 1 ? frame.coefficientBytes : 0,
      ...(doubt && { doubt }),
    };
  }
}

/** Bytes of no meaning: without 0xff, and different at every place. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = (state >>> 16) % 255;
  }
  return bytes;
}

/** Bytes 0xff before a marker are filling, and one alone at the file's end is the half of a marker. */
function withoutFilling(data: Buffer): Buffer {
  let end = data.length;
  while (end > 0 && data[end - 1] === 0xff) end--;
  return data.subarray(0, end);
}
