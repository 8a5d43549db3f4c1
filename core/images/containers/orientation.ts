/** The one field of EXIF that decoding needs. Nothing is followed: neither other directories nor values elsewhere. */

const ORIENTATION = 0x0112;
const SHORT = 3;
/** Directories of cameras have some twenty entries. */
const MOST_ENTRIES = 512;

/**
 * The orientation in a block of EXIF data, from the first directory.
 * @param exif from its byte order mark on, or with "Exif\0\0" before it
 * @returns 1 to 8; 1 where it is missing or not allowed
 */
export function orientationOf(exif: Buffer): number {
  const data = exif.toString('latin1', 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif;
  if (data.length < 8) return 1;
  const order = data.toString('latin1', 0, 4);
  if (order !== 'II*\0' && order !== 'MM\0*') return 1;
  const isLittle = order.startsWith('I');
  const u16 = (at: number): number => (isLittle ? data.readUInt16LE(at) : data.readUInt16BE(at));
  const start = isLittle ? data.readUInt32LE(4) : data.readUInt32BE(4);
  if (start + 2 > data.length) return 1;
  const count = Math.min(u16(start), MOST_ENTRIES);
  for (let i = 0, at = start + 2; i < count && at + 12 <= data.length; i++, at += 12) {
    if (u16(at) !== ORIENTATION) continue;
    const value = u16(at + 8);
    return u16(at + 2) === SHORT && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
