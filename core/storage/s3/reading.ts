import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConflictError, CorruptDataError, NotFoundError } from '../../errors.ts';
import { quote } from '../keys.ts';
import { reasonOf } from '../reason.ts';
import { StorageError } from '../storage-error.ts';
import type { Bucket, Opened } from './client.ts';
import { damaged, isChecksumMismatch, isRefused } from './failure.ts';

/** An answer that breaks off so often without bringing at least this much is given up. */
const TRIES = 5;
const PROGRESS_BYTES = 1 << 16;
const FIRST_PAUSE_MS = 100;

/** What is being read, and its name in messages. */
export interface Reading {
  readonly bucket: Bucket;
  readonly key: string;
  readonly place: string;
}

/**
 * The content of an answer. Where its body breaks off (which the AWS client does not mend), the rest of the same version
 * is asked for. What Kindred wrote is held against its SHA-256 at the end; of other objects the AWS client checks the
 * checksum that S3 has, if any, unless they came in parts.
 * @throws CorruptDataError at the end, when it is not what was stored; ConflictError when it was replaced meanwhile
 */
export async function* whole(reading: Reading, first: Opened): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let at = 0;
  let tries = 0;
  for (let answer = first; ; answer = await rest(reading, first, at)) {
    const before = at;
    let cause: unknown;
    try {
      for await (const piece of answer.body as AsyncIterable<Uint8Array>) {
        at += piece.length;
        hash.update(piece);
        yield new Uint8Array(piece.buffer, piece.byteOffset, piece.length);
      }
    } catch (error) {
      cause = error;
    }
    if (at >= first.size) {
      check(reading, first, at, hash.digest('hex'), cause);
      return;
    }
    tries = at - before >= PROGRESS_BYTES ? 1 : tries + 1;
    if (tries > TRIES) throw brokenOff(reading, first, cause);
    await pause(tries);
  }
}

/**
 * The whole content at once, asked for again when it arrives damaged. Of somebody else's object no part is mended: the
 * AWS client checks its checksum only when it comes in one go.
 * @throws as {@link whole}
 */
export async function gathered(reading: Reading, first: Opened): Promise<Opened & { bytes: Uint8Array }> {
  for (let answer = first, tries = 1; ; tries++) {
    try {
      return { ...answer, bytes: await once(reading, answer) };
    } catch (error) {
      const mayHelp =
        error instanceof CorruptDataError || (answer.sha256 === null && error instanceof StorageError);
      if (!mayHelp || tries >= TRIES) throw error;
    }
    await pause(tries);
    const again = await reading.bucket.open(reading.key);
    if (again === null) throw goneMeanwhile(reading);
    answer = again;
  }
}

async function once(reading: Reading, answer: Opened): Promise<Uint8Array> {
  if (answer.sha256 !== null) return filled(answer.size, whole(reading, answer));
  try {
    return await filled(answer.size, answer.body);
  } catch (cause) {
    if (isChecksumMismatch(cause)) throw damaged(reading.place, reasonOf(cause), cause);
    throw brokenOff(reading, answer, cause);
  }
}

async function filled(size: number, pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  if (at < size) throw new Error(`it ends after ${at} bytes`);
  return bytes;
}

async function rest(reading: Reading, { etag }: Opened, from: number): Promise<Opened> {
  try {
    const found = await reading.bucket.open(reading.key, { from, etag });
    if (found === null) throw goneMeanwhile(reading);
    if (found.from === from) return found;
    found.body.destroy();
    throw new StorageError(`Cannot read ${quote(reading.place)}: the server does not give parts of objects.`);
  } catch (error) {
    if (!isRefused(error)) throw error;
    throw new ConflictError(`${quote(reading.place)} was replaced while it was read. Read it again.`, {
      cause: error,
    });
  }
}

function check({ place }: Reading, { size, sha256 }: Opened, got: number, sum: string, cause: unknown): void {
  if (got > size) throw damaged(place, `${got} bytes came instead of ${size}`);
  if (sha256 !== null && sum !== sha256) throw damaged(place, `its SHA-256 is ${sum} instead of ${sha256}`);
  if (sha256 === null && isChecksumMismatch(cause)) throw damaged(place, reasonOf(cause), cause);
}

function brokenOff({ place }: Reading, { size }: Opened, cause: unknown): StorageError {
  return new StorageError(
    `Cannot read ${quote(place)}: the connection breaks off again and again before all ${size} bytes have come ` +
      `(${reasonOf(cause)}). Check the network, and run it again.`,
    { cause },
  );
}

function goneMeanwhile({ place }: Reading): NotFoundError {
  return new NotFoundError(`${quote(place)} was deleted while it was read.`);
}

function pause(tries: number): Promise<void> {
  return sleep(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random()));
}
