import type { CorruptDataError } from '../errors.ts';

/** Where it is kept what a token is known by: a document for each, under the token's id. */
export interface TokenStore {
  /** Where that is, for people. */
  readonly uri: string;
  /** Keeps a document. @throws ConflictError when there is one under this id; that one stays */
  create(id: string, document: Uint8Array): Promise<void>;
  /** The document, or null when there is none. @throws CorruptDataError when it is damaged */
  get(id: string): Promise<KeptDocument | null>;
  /**
   * All documents, in the order of their ids. What stands there under another name is none.
   * @param onDamaged is told of what cannot be read, which is left out then
   */
  list(onDamaged: (error: CorruptDataError) => void): Promise<readonly KeptDocument[]>;
  /** Nothing happens when there is none. */
  delete(id: string): Promise<void>;
}

export interface KeptDocument {
  readonly id: string;
  /** What to call it in messages. */
  readonly place: string;
  readonly document: Uint8Array;
}
