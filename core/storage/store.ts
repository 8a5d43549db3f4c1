/** What every store can do; a driver is one file beside this one, and one contract suite runs on all of them. */
export interface ObjectStore {
  /** Where this store is, as given to `openStore`. */
  readonly uri: string;

  /**
   * The whole object, or null when there is none.
   * @param most bytes that it may have. @default any number
   * @throws TooLargeError when it has more; nothing of it is in memory then
   */
  get(key: string, most?: number): Promise<StoredObject | null>;

  /** Size in bytes and etag without the content, or null when there is none. */
  head(key: string): Promise<{ size: number; etag: string } | null>;

  /** The content in pieces, for what need not be in memory at once; null when there is none. */
  read(key: string): Promise<AsyncIterable<Uint8Array> | null>;

  /**
   * Stores the whole object or, on any failure or kill, leaves what was there before.
   * `source` is the content, or a local file to copy it from.
   * @throws ConflictError when a condition does not hold; nothing is written then.
   */
  put(
    key: string,
    source: Uint8Array | { file: string },
    condition?: PutCondition,
  ): Promise<{ etag: string }>;

  /** The path of the local file that has the object, to be read only; null when there is none. Absent: no such files. */
  localFile?(key: string): Promise<string | null>;

  /** Removes the object; removing what is not there is not an error. */
  delete(key: string): Promise<void>;

  /** Every object whose key starts with `prefix`, in code-unit order of key: complete, or it throws. */
  list(prefix: string): AsyncIterable<ListedObject>;

  /**
   * The names directly below `prefix` ('' or ending in "/") that have objects below themselves, in code-unit order:
   * for "a/b/1", "a/b/2", "a/c/1" and "a/d" the folders of "a/" are "b" and "c".
   */
  folders(prefix: string): AsyncIterable<string>;

  /**
   * An address that one object can be put to by whoever has it, without further rights: by HTTP PUT, with just these header
   * fields. Only stores have it whose servers check that themselves; nothing is sent.
   */
  uploadAddress?(key: string, upload: Upload): Promise<UploadAddress>;
}

/** What may be put to an address. */
export interface Upload {
  /** Its Content-Type. */
  readonly type: string;
  /** Just so many bytes. */
  readonly bytes: number;
  /** The SHA-256 of just these bytes, in hex, where it is known. */
  readonly sha256?: string | undefined;
  /** The etag of what it takes the place of; null: of nothing. Once it is there the address lets nothing else in. */
  readonly instead: string | null;
  /** How long the address holds. */
  readonly seconds: number;
}

export interface UploadAddress {
  readonly url: string;
  /** To be sent along, as they are. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** Another text once the content is another one; what it says is the store's affair. Only what can be read has it. */
  readonly state?: string;
  /** Set when a folder holds something that cannot be read by this key; `get` then throws or finds nothing. */
  readonly problem?: ListingProblem;
}

/** `outside`: a link that leads out of the store; `bad-name`: not a key; `unreadable`: not a regular file. */
export interface ListingProblem {
  readonly kind: 'outside' | 'bad-name' | 'unreadable';
  readonly reason: string;
}

/** `ifAbsent`: only when the key does not exist. `ifMatch`: only when its etag is still this one. At most one of them. */
export interface PutCondition {
  readonly ifAbsent?: true;
  readonly ifMatch?: string;
}
