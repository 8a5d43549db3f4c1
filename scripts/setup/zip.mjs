/**
 * Takes files out of a zip archive (a Python wheel) without holding them in memory. Enough of the format for wheels: stored and
 * deflated members, no encryption, no zip64. Members' own checksums are not looked at: the whole archive's SHA-256 was checked before. See https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

const END_SIGNATURE = 0x06054b50;
const MEMBER_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_LENGTH = 22;
const LONGEST_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;

/** @typedef {{ name: string, method: number, packed: number, bytes: number, mode: number, offset: number }} Member */

/**
 * @param {string} archive
 * @param {(name: string) => string | undefined} destination where a member goes, relative to `folder`; undefined leaves it out
 * @param {string} folder
 * @returns {Promise<import('./entry.mjs').Files>} what was written
 */
export async function extractZip(archive, destination, folder) {
  const handle = await open(archive);
  try {
    /** @type {import('./entry.mjs').Files} */
    const files = {};
    for (const member of await members(handle)) {
      const target = destination(member.name);
      if (target === undefined || member.name.endsWith('/')) continue;
      const file = path.join(folder, target);
      if (!file.startsWith(folder + path.sep))
        throw new Error(`The archive's member "${member.name}" leads outside.`);
      files[target] = { bytes: member.bytes, sha256: await extract(archive, handle, member, file) };
    }
    return files;
  } finally {
    await handle.close();
  }
}

/** @param {import('node:fs/promises').FileHandle} handle @returns {Promise<Member[]>} */
async function members(handle) {
  const { size } = await handle.stat();
  const tail = await read(handle, Math.max(0, size - END_LENGTH - LONGEST_COMMENT), size);
  let at = tail.length - END_LENGTH;
  while (at >= 0 && tail.readUInt32LE(at) !== END_SIGNATURE) at--;
  if (at < 0) throw new Error('It is no zip archive, or its end is missing.');
  const count = tail.readUInt16LE(at + 10);
  const start = tail.readUInt32LE(at + 16);
  if (count === 0xffff || start === 0xffffffff)
    throw new Error('The archive is a zip64 one, which is not supported.');
  const directory = await read(handle, start, start + tail.readUInt32LE(at + 12));
  /** @type {Member[]} */
  const list = [];
  for (let offset = 0; list.length < count;) {
    const { member, next } = readMember(directory, offset);
    list.push(member);
    offset = next;
  }
  return list;
}

/** @param {Buffer} directory @param {number} at */
function readMember(directory, at) {
  if (directory.readUInt32LE(at) !== MEMBER_SIGNATURE)
    throw new Error('The archive has a damaged list of members.');
  const nameEnd = at + 46 + directory.readUInt16LE(at + 28);
  const member = {
    name: directory.toString('utf8', at + 46, nameEnd),
    method: directory.readUInt16LE(at + 10),
    packed: directory.readUInt32LE(at + 20),
    bytes: directory.readUInt32LE(at + 24),
    mode: (directory.readUInt32LE(at + 38) >>> 16) & 0o777,
    offset: directory.readUInt32LE(at + 42),
  };
  return { member, next: nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32) };
}

/**
 * @param {string} archive
 * @param {import('node:fs/promises').FileHandle} handle
 * @param {Member} member
 * @param {string} file
 * @returns {Promise<string>} SHA-256 of what was written
 */
async function extract(archive, handle, member, file) {
  const local = await read(handle, member.offset, member.offset + 30);
  if (local.readUInt32LE(0) !== LOCAL_SIGNATURE)
    throw new Error(`The archive's member "${member.name}" is damaged.`);
  const start = member.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  mkdirSync(path.dirname(file), { recursive: true });
  const output = createWriteStream(file, { mode: (member.mode || 0o644) | 0o600 });
  const { counter, result } = countAndHash();
  const input =
    member.packed === 0
      ? Readable.from([])
      : createReadStream(archive, { start, end: start + member.packed - 1, highWaterMark: 2 ** 20 });
  if (member.method === STORED || member.packed === 0) await pipeline(input, counter, output);
  else if (member.method === DEFLATED)
    await pipeline(input, createInflateRaw({ chunkSize: 2 ** 18 }), counter, output);
  else
    throw new Error(`The archive's member "${member.name}" is packed in an unknown way (${member.method}).`);
  const { bytes, sha256 } = result();
  if (bytes !== member.bytes)
    throw new Error(`The archive's member "${member.name}" has ${bytes} bytes, not ${member.bytes}.`);
  return sha256;
}

/** A stream that passes everything on and keeps count and checksum. */
function countAndHash() {
  const hash = createHash('sha256');
  let bytes = 0;
  const counter = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  return { counter, result: () => ({ bytes, sha256: hash.digest('hex') }) };
}

/** @param {import('node:fs/promises').FileHandle} handle @param {number} start @param {number} end */
async function read(handle, start, end) {
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
  if (bytesRead !== buffer.length) throw new Error('The archive ends too early.');
  return buffer;
}
