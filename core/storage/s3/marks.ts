import { randomBytes } from 'node:crypto';

/** What Kindred notes in the metadata of every object that it writes. */
export interface Marks {
  /** SHA-256 of the whole content, hex; null for an object of somebody else. */
  readonly sha256: string | null;
  /**
   * Ids of the writes that led to this content by compare-and-swap, the last one first. A writer that got no answer
   * finds by its id whether the write was done, also when others have built upon it since.
   */
  readonly writes: readonly string[];
}

const SHA256 = 'kindred-sha256';
const WRITES = 'kindred-writes';
/** S3 allows 2 kB of metadata; nobody waits for an answer while so many others write. */
const KEPT_WRITES = 32;

export function newWriteId(): string {
  return randomBytes(16).toString('base64url');
}

/** The marks of a write upon an object with these writes. */
export function marksOf(sha256: string, id: string, before: readonly string[]): Marks {
  return { sha256, writes: [id, ...before].slice(0, KEPT_WRITES) };
}

export function toMetadata({ sha256, writes }: Marks): Record<string, string> {
  return { ...(sha256 === null ? {} : { [SHA256]: sha256 }), [WRITES]: writes.join(' ') };
}

export function fromMetadata(metadata: Readonly<Record<string, string>> | undefined): Marks {
  const sha256 = metadata?.[SHA256] ?? '';
  return {
    sha256: /^[0-9a-f]{64}$/.test(sha256) ? sha256 : null,
    writes: (metadata?.[WRITES] ?? '').split(' ').filter((id) => id !== ''),
  };
}
