/** What the walkers of the formats share. They read structure alone, in time that is linear in the file's length. */
import type { ToSrgb } from '../colour/srgb.ts';

/** An image file without what decoding does not need. */
export interface Container {
  /**
   * The image alone: its first frame, its colour profile, and every end marker in place. Other metadata is gone, so that
   * no parser of it can cost more than the image.
   */
  readonly bytes: Uint8Array;
  /** As EXIF counts: 1 upright, from 5 on with width and height exchanged. */
  readonly orientation: number;
  /** The colour profile, where the format's decoder does not give it. */
  readonly profile?: Uint8Array;
  /** What the samples mean, where the format says it without a profile, and it is not sRGB. */
  readonly toSrgb?: ToSrgb;
  /** How often all pixels are gone over, where a format lets a file decide that. @default 1 */
  readonly passes?: number;
  /** Bytes of each pixel that a decoder has to hold until all are there; 0 where it goes row by row. */
  readonly heldPerPixel: number;
  /** Whether 0 is white, which libvips turns round. @default false */
  readonly whiteIsZero?: boolean;
  /**
   * How many bytes at the end of the compressed data are all alike, where a decoder takes any bytes for pixels.
   * @default 0
   */
  readonly run?: number;
  /** Of a JPEG whose end the decoder alone cannot judge. */
  readonly doubt?: JpegDoubt;
}

/** A colour profile that is larger is dropped: those of printing presses have up to 3 MB. */
export const LARGEST_PROFILE = 4 * 1024 * 1024;

/** What the end of a JPEG's last scan may be. */
export interface JpegDoubt {
  /** `unclosed`: there was no end marker. `filled`: many bytes at the end are alike. */
  readonly kind: 'unclosed' | 'filled';
  /**
   * The JPEG with other bytes behind its last scan, which do not show where all pixels were there before.
   * @param cut how many bytes of the scan to leave out, or `run` for those that are alike
   * @param tail what stands behind: nothing, or noise
   */
  readonly ending: (cut: number | 'run', tail: 'nothing' | 'noise') => Uint8Array;
}

/** A view of the same memory with Node's readers of numbers. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** How many bytes at the end are all alike: interrupted copies are filled up so. */
export function runAtEnd(data: Uint8Array): number {
  const last = data.at(-1);
  let from = data.length;
  while (from > 0 && data[from - 1] === last) from--;
  return data.length - from;
}

/** The content of a file breaks this format's rules, or ends before it should; the message says where. */
export class BrokenContainer extends Error {}

/** The content is of a kind of this format that is not decoded; the message names the kind. */
export class UnsupportedKind extends Error {}
