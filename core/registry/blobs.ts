/**
 * Blobs: large files that versions share, each under its SHA-256. A version's manifest names those that it needs.
 *
 * A blob is written before the manifests that name it and is never removed: whether a publisher somewhere is about to name it
 * cannot be known without a lock on the registry. There is one for each backbone, of some 100 MB.
 */
import { ConflictError, CorruptDataError } from '../errors.ts';
import { quote } from '../storage/keys.ts';
import type { LocalCopies } from '../storage/local-copies.ts';
import { sha256OfFile } from '../storage/local-file.ts';
import type { ObjectStore } from '../storage/store.ts';
import { blobKey } from './layout.ts';

/** What a blob must be. */
export interface BlobFile {
  readonly sha256: string;
  readonly size: number;
}

/** Stores the blob unless it is there. @throws CorruptDataError when what is there has another size */
export async function putBlob(
  store: ObjectStore,
  { sha256, size }: BlobFile,
  source: Uint8Array | { file: string },
): Promise<void> {
  const key = blobKey(sha256);
  if ((await store.head(key)) === null) {
    await store.put(key, source, { ifAbsent: true }).catch((error: unknown) => {
      if (!(error instanceof ConflictError)) throw error; // another publisher was faster
    });
  }
  const stored = await store.head(key);
  if (stored?.size === size) return;
  throw new CorruptDataError(
    `${quote(key)} has ${stored?.size ?? 'no'} bytes instead of ${size}; nothing was published. Remove it and try again.`,
  );
}

/** Files that this process has found right, by path. */
const verified = new Map<string, Promise<boolean>>();

/** The blob whose bytes were used last: versions that share it load it once. */
let last: { readonly sha256: string; readonly bytes: Promise<Uint8Array> } | null = null;

/**
 * Gives `work` the path of the blob's file (named by its SHA-256) where the store or the local copies have one, else its bytes,
 * which threads can share. Either was compared with the SHA-256 once in this process.
 * @param pieces the checked content
 */
export async function withBlob<T>(
  store: ObjectStore,
  copies: LocalCopies | null,
  { sha256, size, pieces }: BlobFile & { readonly pieces: () => AsyncIterable<Uint8Array> },
  work: (file: Uint8Array | string) => Promise<T>,
): Promise<T> {
  const file = await store.localFile?.(blobKey(sha256));
  if (typeof file === 'string' && (await isVerified(file, sha256))) return work(file);
  const bytes = async (): Promise<T> => work(await sharedBytes(sha256, size, pieces));
  if (copies === null) return bytes();
  return copies.use({ sha256, size, pieces }, async (copy) => (copy === null ? bytes() : work(copy)));
}

/** A damaged file is reported by whoever reads its checked content next. */
async function isVerified(file: string, sha256: string): Promise<boolean> {
  const found = verified.get(file) ?? sha256OfFile(file).then((sum) => sum === sha256);
  verified.set(file, found);
  const isRight = await found.catch(() => false);
  if (!isRight) verified.delete(file);
  return isRight;
}

async function sharedBytes(
  sha256: string,
  size: number,
  pieces: () => AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  if (last?.sha256 !== sha256) last = { sha256, bytes: gathered(size, pieces()) };
  try {
    return await last.bytes;
  } catch (error) {
    last = null;
    throw error;
  }
}

async function gathered(size: number, pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const bytes = new Uint8Array(new SharedArrayBuffer(size));
  let at = 0;
  for await (const piece of pieces) {
    if (at + piece.length <= size) bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
