import { BrokenContainer, LARGEST_PROFILE, bufferOf, runAtEnd } from './container.ts';
import type { Container } from './container.ts';
import { orientationOf } from './orientation.ts';

/** Flags of a chunk VP8X (RFC 9649, 2.7). */
const [ANIMATION, XMP, EXIF, ICC] = [0x02, 0x04, 0x08, 0x20];

/** Colours and transparency of a frame. */
const HELD = 4;

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** Reads the chunks of a WebP, and keeps of an animation its first frame. The length in the header is not relied on. */
export function readWebp(bytes: Uint8Array): Container {
  const chunks = chunksOf(bufferOf(bytes).subarray(12));
  const first = chunks.find(({ type }) => type === 'VP8X' || type === 'VP8 ' || type === 'VP8L');
  if (first === undefined) throw new BrokenContainer('it has no image');
  if (first.type !== 'VP8X')
    return { bytes: webpOf([first]), orientation: 1, heldPerPixel: HELD, run: runAtEnd(first.data) };
  const exif = chunks.find(({ type }) => type === 'EXIF');
  const orientation = exif === undefined ? 1 : orientationOf(exif.data);
  const kept = chunks.filter(isKept());
  const header = Buffer.from(first.data);
  if (header.length < 10) throw new BrokenContainer('its header is too short');
  header[0] =
    ((header[0] as number) & ~(XMP | EXIF | ICC)) | (kept.some(({ type }) => type === 'ICCP') ? ICC : 0);
  const isAnimated = (header[0] & ANIMATION) !== 0;
  const last = kept.find(({ type }) => type === (isAnimated ? 'ANMF' : 'VP8 ') || type === 'VP8L');
  if (last === undefined) throw new BrokenContainer('it has no image');
  return {
    bytes: webpOf([{ type: 'VP8X', data: header }, ...kept]),
    orientation,
    heldPerPixel: HELD,
    run: runAtEnd(last.data),
  };
}

/** One of each kind that decoding needs. */
function isKept(): (chunk: Chunk) => boolean {
  const wanted = new Set(['ICCP', 'ANIM', 'ANMF', 'ALPH', 'VP8 ', 'VP8L']);
  return ({ type, data }) => (type === 'ICCP' && data.length > LARGEST_PROFILE ? false : wanted.delete(type));
}

/** @throws BrokenContainer when one of the image itself ends too soon */
function chunksOf(file: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 0, frames = 0; at + 8 <= file.length && frames < 1;) {
    const type = file.toString('latin1', at, at + 4);
    const length = file.readUInt32LE(at + 4);
    const data = file.subarray(at + 8, at + 8 + length);
    if (data.length === length) chunks.push({ type, data });
    else if (/^(?:VP8[ LX]|AL|AN)/.test(type)) {
      throw new BrokenContainer(`its chunk ${JSON.stringify(type)} has ${data.length} of ${length} bytes`);
    }
    // The orientation stands behind the frames, but an animation has none.
    if (type === 'ANMF') frames++;
    at += 8 + length + (length & 1);
  }
  return chunks;
}

function webpOf(chunks: readonly Chunk[]): Buffer {
  const parts = chunks.flatMap(({ type, data }) => {
    const header = Buffer.alloc(8);
    header.write(type, 'latin1');
    header.writeUInt32LE(data.length, 4);
    return [header, data, Buffer.alloc(data.length & 1)];
  });
  const body = Buffer.concat([Buffer.from('WEBP'), ...parts]);
  const riff = Buffer.alloc(8);
  riff.write('RIFF', 'latin1');
  riff.writeUInt32LE(body.length, 4);
  return Buffer.concat([riff, body]);
}
