import pLimit from 'p-limit';
import { NotFoundError } from '../errors.ts';
import { checkCondition, holdTo } from './condition.ts';
import { checkFolderPrefix, checkKey, checkPrefix, checkSize, quote } from './keys.ts';
import { fullKey, parseAddress } from './s3/address.ts';
import type { Address } from './s3/address.ts';
import type { Bucket } from './s3/client.ts';
import { explain } from './s3/failure.ts';
import { foldersIn, objectsIn } from './s3/listing.ts';
import type { S3Options } from './s3/options.ts';
import { gathered, whole } from './s3/reading.ts';
import type { Reading } from './s3/reading.ts';
import { withSource } from './s3/source.ts';
import { write } from './s3/writing.ts';
import type { ListedObject, ObjectStore, PutCondition, Upload, UploadAddress } from './store.ts';

const REMEMBERED = 256;
const inTurn = pLimit(48);

/**
 * A store in a bucket of S3 or of a server that speaks as S3 does. The etag is the server's. Conditions are S3's own
 * (If-None-Match, If-Match); the SHA-256 of the content goes along with every write and is compared by the server, and
 * is kept with the object and compared by whoever reads. The AWS client is loaded with the first request.
 * @throws InvalidInputError for an address that names no bucket
 */
export function s3Store(uri: string, options: S3Options = {}): ObjectStore {
  return new S3Store(uri, options);
}

class S3Store implements ObjectStore {
  readonly uri: string;
  readonly #address: Address;
  readonly #options: S3Options;
  #bucket: Promise<Bucket> | undefined;
  /** Of objects read or written lately: see `before` in writing.ts. */
  readonly #seen = new Map<string, { readonly etag: string; readonly writes: readonly string[] }>();

  constructor(uri: string, options: S3Options) {
    this.uri = uri;
    this.#address = parseAddress(uri);
    this.#options = options;
  }

  async get(key: string, most?: number) {
    return this.#explained('read', key, (reading) =>
      inTurn(async () => {
        const first = await reading.bucket.open(reading.key);
        if (first === null) return null;
        try {
          checkSize(key, first.size, most);
        } catch (error) {
          first.body.destroy();
          throw error;
        }
        const { bytes, etag, writes } = await gathered(reading, first);
        this.#remember(reading.key, { etag, writes });
        return { bytes, etag };
      }),
    );
  }

  async head(key: string) {
    return this.#explained('read', key, ({ bucket, key: full }) =>
      inTurn(async () => {
        const found = await bucket.head(full);
        return found && { size: found.size, etag: found.etag };
      }),
    );
  }

  async read(key: string) {
    return (await this.head(key)) === null ? null : this.#pieces(key);
  }

  async put(key: string, source: Uint8Array | { file: string }, condition?: PutCondition) {
    checkKey(key);
    checkCondition(condition);
    return this.#explained('write', key, ({ bucket, key: full, place }) =>
      withSource(source, (content) =>
        inTurn(async () => {
          const before = await this.#writesBefore(bucket, full, place, condition);
          const { etag, marks } = await write({
            bucket,
            key: full,
            place,
            source: content,
            condition,
            before,
          });
          this.#remember(full, { etag, writes: marks.writes });
          return { etag };
        }),
      ),
    );
  }

  async delete(key: string) {
    await this.#explained('delete', key, ({ bucket, key: full }) => inTurn(() => bucket.delete(full)));
  }

  async uploadAddress(key: string, upload: Upload): Promise<UploadAddress> {
    return this.#explained('write', key, ({ bucket, key: full }) => bucket.uploadAddress(full, upload));
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    checkPrefix(prefix);
    yield* this.#listing(prefix, objectsIn);
  }

  async *folders(prefix: string): AsyncGenerator<string> {
    checkFolderPrefix(prefix);
    yield* this.#listing(prefix, foldersIn);
  }

  async *#listing<T>(
    prefix: string,
    work: (bucket: Bucket, base: string, prefix: string) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    try {
      yield* work(await this.#opened(), this.#address.base, prefix);
    } catch (error) {
      throw explain(error, 'list', this.#place(prefix));
    }
  }

  /** Opened only when somebody reads. */
  async *#pieces(key: string): AsyncGenerator<Uint8Array> {
    const reading = await this.#reading(key);
    try {
      const first = await reading.bucket.open(reading.key);
      if (first === null) throw new NotFoundError(`${quote(reading.place)} was deleted before it was read.`);
      yield* whole(reading, first);
    } catch (error) {
      throw explain(error, 'read', reading.place);
    }
  }

  async #explained<T>(
    action: 'read' | 'write' | 'delete',
    key: string,
    work: (reading: Reading) => Promise<T>,
  ): Promise<T> {
    const reading = await this.#reading(key);
    try {
      return await work(reading);
    } catch (error) {
      throw explain(error, action, reading.place);
    }
  }

  async #reading(key: string): Promise<Reading> {
    checkKey(key);
    const full = fullKey(this.#address, key);
    return { bucket: await this.#opened(), key: full, place: this.#place(key) };
  }

  #place(key: string): string {
    return `s3://${this.#address.bucket}/${this.#address.base}${key}`;
  }

  #opened(): Promise<Bucket> {
    this.#bucket ??= import('./s3/client.ts')
      .then(({ openBucket }) => openBucket(this.#address.bucket, this.#options))
      .catch((error: unknown) => {
        this.#bucket = undefined;
        throw error;
      });
    return this.#bucket;
  }

  #remember(full: string, seen: { readonly etag: string; readonly writes: readonly string[] }): void {
    this.#seen.delete(full);
    this.#seen.set(full, seen);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
  }

  async #writesBefore(
    bucket: Bucket,
    full: string,
    place: string,
    condition: PutCondition | undefined,
  ): Promise<readonly string[]> {
    if (condition?.ifMatch === undefined) return [];
    const seen = this.#seen.get(full);
    if (seen?.etag === condition.ifMatch) return seen.writes;
    const now = await bucket.head(full);
    holdTo(condition, place, now?.etag ?? null);
    return now?.writes ?? [];
  }
}
