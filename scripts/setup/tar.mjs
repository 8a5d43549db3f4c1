/**
 * Reads a ustar archive that is already in memory. Hostile until checked: sizes, checksums and names are verified, nothing is
 * written, and anything but plain files is passed over.
 */
const BLOCK = 512;

/**
 * @param {Buffer} archive the uncompressed archive
 * @returns {Map<string, Buffer>} contents (views into `archive`) of the plain files by name
 */
export function readTar(archive) {
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  for (let at = 0; at < archive.length;) {
    const header = block(archive, at);
    if (header.every((byte) => byte === 0)) return files;
    checkSum(header, at);
    const size = octal(header.subarray(124, 136), at);
    const start = at + BLOCK;
    if (start + size > archive.length)
      throw new Error(`The archive ends inside the file that starts at byte ${at}.`);
    const type = header[156];
    if (type === 0 || type === 0x30) files.set(fileName(header), archive.subarray(start, start + size));
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new Error('The archive ends without its closing block.');
}

/** @param {Buffer} archive @param {number} at */
function block(archive, at) {
  const bytes = archive.subarray(at, at + BLOCK);
  if (bytes.length < BLOCK) throw new Error(`The archive ends inside the header at byte ${at}.`);
  return bytes;
}

/** @param {Buffer} header */
function fileName(header) {
  const name = text(header.subarray(0, 100));
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? text(header.subarray(345, 500)) : '';
  return prefix ? `${prefix}/${name}` : name;
}

/** @param {Buffer} field */
function text(field) {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

/** @param {Buffer} field @param {number} at */
function octal(field, at) {
  const digits = text(field).trim();
  if (!/^[0-7]+$/.test(digits))
    throw new Error(`The archive's header at byte ${at} holds no octal number but "${digits}".`);
  return Number.parseInt(digits, 8);
}

/** @param {Buffer} header @param {number} at */
function checkSum(header, at) {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (header[i] ?? 0);
  if (sum !== octal(header.subarray(148, 156), at)) {
    throw new Error(`The archive's header at byte ${at} does not match its checksum.`);
  }
}
