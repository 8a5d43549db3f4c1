import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { ConflictError } from '../../errors.ts';
import { holdTo } from '../condition.ts';
import { sha256 } from '../local-file.ts';
import type { PutCondition } from '../store.ts';
import type { Bucket, Described, Part } from './client.ts';
import { isAbsent, isContended, isDamaged, isRefused, isUnknown } from './failure.ts';
import { marksOf, newWriteId } from './marks.ts';
import type { Marks } from './marks.ts';
import { PART_BYTES } from './source.ts';
import type { Source } from './source.ts';

const TRIES = 6;
const INTACT_TRIES = 3;
const LONGEST_PAUSE_MS = 1000;
/** Of one upload, and of all uploads of the process: each has a part's bytes in memory. */
const PARTS_AT_ONCE = 4;
const inPartsTurn = pLimit(2 * PARTS_AT_ONCE);

/** What is being written, and its name in messages. */
export interface Writing {
  readonly bucket: Bucket;
  readonly key: string;
  readonly place: string;
  readonly source: Source;
  readonly condition: PutCondition | undefined;
  /** The writes that led to the content that `ifMatch` names. */
  readonly before: readonly string[];
}

export interface Written {
  readonly etag: string;
  readonly marks: Marks;
}

/**
 * Writes the whole object or nothing. A request whose answer was lost is sent again by the AWS client, and then a
 * condition fails because of the writer's own first attempt; or no answer comes at all. Either way the object is looked
 * at: each write has an id, and each object the ids of the writes that led to it, so that a writer can tell its own
 * write, also from one of somebody else with the same content, and also when others have built upon it since.
 * @throws ConflictError when the condition does not hold; the AWS client's error when nothing was written, or when
 * there is no way to tell
 */
export async function write(writing: Writing): Promise<Written> {
  const { bucket, key, source, condition, before } = writing;
  const id = newWriteId();
  const marks = marksOf(source.sha256, id, before);
  for (let tries = 1; ; tries++) {
    try {
      return { etag: await send(writing, marks), marks };
    } catch (error) {
      const failed = condition !== undefined && (isRefused(error) || isAbsent(error));
      if (failed || isUnknown(error)) {
        const now = await bucket.head(key).catch((cause: unknown) => {
          throw failed ? cause : error; // the first failure says more
        });
        const mine = ownWrite(now, id);
        if (mine !== null) return { etag: mine, marks };
        if (failed) throw conflict(writing, now, error);
        throw error;
      }
      if (!isContended(error)) throw error;
      if (tries >= TRIES) throw contended(writing, error);
    }
    await sleep(Math.random() * Math.min(100 * 2 ** tries, LONGEST_PAUSE_MS));
  }
}

/** The etag of what this write made, or null when it made nothing. */
function ownWrite(now: Described | null, id: string): string | null {
  if (now?.writes[0] === id) return now.etag;
  // Done, and replaced since by somebody who had read it: no later condition may hold for what it made.
  return now?.writes.includes(id) ? `replaced-${id}` : null;
}

function conflict({ place, condition }: Writing, now: Described | null, cause: unknown): ConflictError {
  try {
    holdTo(condition, place, now?.etag ?? null);
  } catch (error) {
    if (error instanceof ConflictError) return error;
  }
  return new ConflictError(
    `"${place}" is being written by others; nothing was written. Read it again and decide anew.`,
    {
      cause,
    },
  );
}

function contended({ place }: Writing, cause: unknown): ConflictError {
  return new ConflictError(
    `"${place}" is being written by others at the same moment, ${TRIES} times over; nothing was written. Try again.`,
    { cause },
  );
}

async function send(writing: Writing, marks: Marks): Promise<string> {
  const { bucket, key, source, condition } = writing;
  if (source.size > PART_BYTES) return sendInParts(writing, marks);
  for await (const bytes of source.parts())
    return await intact(() => bucket.put(key, bytes, marks, condition));
  throw new Error('content without a piece');
}

/** Nobody sees anything of it before the last request; on any failure the parts are removed. */
async function sendInParts({ bucket, key, source, condition }: Writing, marks: Marks): Promise<string> {
  const upload = await bucket.beginUpload(key, marks);
  try {
    const parts = await sendParts(bucket, key, upload, source);
    return await bucket.completeUpload(key, upload, parts, condition);
  } catch (error) {
    await bucket.abortUpload(key, upload).catch(() => undefined); // what went wrong first is what matters
    throw error;
  }
}

async function sendParts(bucket: Bucket, key: string, upload: string, source: Source): Promise<Part[]> {
  const parts: Part[] = [];
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;
  let number = 0;
  try {
    for await (const bytes of source.parts()) {
      const mine = ++number;
      const part = inPartsTurn(() => intact(() => bucket.putPart(key, upload, mine, bytes, sha256(bytes))))
        .then((sent) => void parts.push(sent))
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => underWay.delete(part));
      underWay.add(part);
      if (underWay.size >= PARTS_AT_ONCE) await Promise.race(underWay);
      if (failure !== null) break;
    }
  } finally {
    // None may arrive after the upload was ended: it would stay for ever.
    await Promise.all(underWay);
  }
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return parts.toSorted((a, b) => a.number - b.number);
}

/** Sends again what was changed on its way, which S3 notices by the checksum. */
async function intact<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isDamaged(error) || tries >= INTACT_TRIES) throw error;
    }
  }
}
