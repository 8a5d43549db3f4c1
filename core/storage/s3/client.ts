/** The requests that the store makes, in its own words. The only file that imports the AWS SDK. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Readable } from 'node:stream';
import { StorageError } from '../storage-error.ts';
import type { PutCondition, Upload, UploadAddress } from '../store.ts';
import { isAbsent } from './failure.ts';
import { fromMetadata, toMetadata } from './marks.ts';
import type { Marks } from './marks.ts';
import type { S3Options } from './options.ts';

export interface Described extends Marks {
  readonly etag: string;
  /** Bytes of the whole object. */
  readonly size: number;
}

export interface Opened extends Described {
  /** The content from `from` on. */
  readonly body: Readable;
  readonly from: number;
}

export interface Page {
  readonly objects: readonly { readonly key: string; readonly size: number; readonly etag: string }[];
  /** Percent-decoded like the keys, with the "/" at their end. */
  readonly folders: readonly string[];
  readonly next: string | null;
}

export interface Part {
  readonly number: number;
  readonly etag: string;
  /** Of this part, base64. */
  readonly sha256: string;
}

/** One bucket; keys are whole. Failures are the AWS client's, after its retries. */
export interface Bucket {
  head(key: string): Promise<Described | null>;
  /** @param range the first byte wanted, of the version with this etag */
  open(key: string, range?: { readonly from: number; readonly etag: string }): Promise<Opened | null>;
  /** @returns the etag */
  put(key: string, bytes: Uint8Array, marks: Marks, condition?: PutCondition): Promise<string>;
  delete(key: string): Promise<void>;
  page(prefix: string, delimiter: '/' | null, token: string | null): Promise<Page>;
  beginUpload(key: string, marks: Marks): Promise<string>;
  putPart(key: string, upload: string, number: number, bytes: Uint8Array, sha256: string): Promise<Part>;
  /** @returns the etag */
  completeUpload(
    key: string,
    upload: string,
    parts: readonly Part[],
    condition?: PutCondition,
  ): Promise<string>;
  abortUpload(key: string, upload: string): Promise<void>;
  uploadAddress(key: string, upload: Upload): Promise<UploadAddress>;
}

/** Opens a bucket; nothing is sent yet. */
export async function openBucket(bucket: string, options: S3Options): Promise<Bucket> {
  const configuration = await configurationOf(options);
  const client = new S3Client(configuration);

  async function describe<T>(found: Promise<T>): Promise<T | null> {
    try {
      return await found;
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  return {
    async head(key) {
      const found = await describe(client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
      if (found === null) return null;
      return {
        etag: bare(found.ETag),
        size: lengthOf(found),
        ...fromMetadata(found.Metadata),
      };
    },

    async open(key, range) {
      const part = range === undefined ? {} : { Range: `bytes=${range.from}-`, IfMatch: `"${range.etag}"` };
      const command = new GetObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED', ...part });
      const found = await describe(client.send(command));
      if (found === null) return null;
      const from = Number(/^bytes (\d+)-/.exec(found.ContentRange ?? '')?.[1] ?? 0);
      return {
        etag: bare(found.ETag),
        size: from + lengthOf(found),
        ...fromMetadata(found.Metadata),
        body: found.Body as Readable,
        from,
      };
    },

    async put(key, bytes, marks, condition) {
      const { ETag } = await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: bytes,
          ContentLength: bytes.length,
          ChecksumSHA256: base64(marks.sha256),
          Metadata: toMetadata(marks),
          ...conditions(condition),
        }),
      );
      return bare(ETag);
    },

    async delete(key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },

    async page(prefix, delimiter, token) {
      const found = await client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          EncodingType: 'url',
          ...(delimiter === null ? {} : { Delimiter: delimiter }),
          ...(token === null ? {} : { ContinuationToken: token }),
        }),
      );
      const decode = found.EncodingType === 'url' ? decoded : (text: string) => text;
      return {
        objects: (found.Contents ?? []).map(({ Key, Size, ETag }) => {
          return { key: decode(Key ?? ''), size: Size ?? 0, etag: bare(ETag) };
        }),
        folders: (found.CommonPrefixes ?? []).map(({ Prefix }) => decode(Prefix ?? '')),
        next: found.IsTruncated ? (found.NextContinuationToken ?? '') : null,
      };
    },

    async beginUpload(key, marks) {
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({
          Bucket: bucket,
          Key: key,
          ChecksumAlgorithm: 'SHA256',
          Metadata: toMetadata(marks),
        }),
      );
      return UploadId ?? '';
    },

    async putPart(key, upload, number, bytes, sha256) {
      const checksum = base64(sha256);
      const { ETag } = await client.send(
        new UploadPartCommand({
          Bucket: bucket,
          Key: key,
          UploadId: upload,
          PartNumber: number,
          Body: bytes,
          ContentLength: bytes.length,
          ChecksumSHA256: checksum,
        }),
      );
      return { number, etag: ETag ?? '', sha256: checksum };
    },

    async completeUpload(key, upload, parts, condition) {
      const { ETag } = await client.send(
        new CompleteMultipartUploadCommand({
          Bucket: bucket,
          Key: key,
          UploadId: upload,
          MultipartUpload: {
            Parts: parts.map(({ number, etag, sha256 }) => {
              return { PartNumber: number, ETag: etag, ChecksumSHA256: sha256 };
            }),
          },
          ...conditions(condition),
        }),
      );
      return bare(ETag);
    },

    async abortUpload(key, upload) {
      await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: upload }));
    },

    async uploadAddress(key, { type, bytes, sha256, instead, seconds }) {
      // The client would otherwise put the checksum of an empty body into the address.
      const signer = new S3Client({ ...configuration, requestChecksumCalculation: 'WHEN_REQUIRED' });
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        ContentType: type,
        ContentLength: bytes,
        ...(sha256 !== undefined && { ChecksumSHA256: base64(sha256) }),
        ...conditions(instead === null ? { ifAbsent: true } : { ifMatch: instead }),
      });
      // Whoever puts it sends them, and the server compares.
      const headers = {
        'Content-Type': type,
        ...(instead === null ? { 'If-None-Match': '*' } : { 'If-Match': `"${instead}"` }),
        ...(sha256 !== undefined && { [CHECKSUM]: base64(sha256) }),
      };
      const signableHeaders = new Set([
        ...Object.keys(headers).map((name) => name.toLowerCase()),
        'content-length',
      ]);
      const unhoistableHeaders = new Set([CHECKSUM]);
      const how = { expiresIn: seconds, signableHeaders, unhoistableHeaders };
      try {
        return { url: await getSignedUrl(signer, command, how), headers };
      } finally {
        signer.destroy();
      }
    },
  };
}

/** What is configured elsewhere is asked of a client, which knows all its sources. */
async function configurationOf(options: S3Options): Promise<S3ClientConfig> {
  const { endpoint, credentials, connectMs = 10_000, silenceMs = 30_000 } = options;
  const { config } = new S3Client({});
  const configured = await config.maxAttempts();
  const isElsewhere = endpoint ?? (await config.serviceConfiguredEndpoint?.());
  return {
    region: options.region ?? (await config.region().catch(() => 'us-east-1')),
    followRegionRedirects: true,
    forcePathStyle: options.pathStyle ?? isElsewhere !== undefined,
    maxAttempts: options.attempts ?? (configured === CLIENTS_ATTEMPTS ? DEFAULT_ATTEMPTS : configured),
    // Silence, not the length of a request: a large part over a slow line may take its time.
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: silenceMs,
      httpAgent: AGENT,
      httpsAgent: AGENT,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

const CHECKSUM = 'x-amz-checksum-sha256';
/** What the client says when nobody has set it. */
const CLIENTS_ATTEMPTS = 3;
const DEFAULT_ATTEMPTS = 5;
/** More than are asked for at once, so that nobody waits in the agent's line. */
const AGENT = { maxSockets: 256 };

function conditions(condition: PutCondition | undefined): { IfNoneMatch?: '*'; IfMatch?: string } {
  if (condition?.ifAbsent) return { IfNoneMatch: '*' };
  return condition?.ifMatch === undefined ? {} : { IfMatch: `"${condition.ifMatch}"` };
}

function lengthOf({ ContentLength }: { ContentLength?: number | undefined }): number {
  if (ContentLength !== undefined) return ContentLength;
  throw new StorageError('The server does not say how long an object is, which S3 does.');
}

/** An etag without its quotes. */
function bare(etag: string | undefined): string {
  return (etag ?? '').replace(/^"(.*)"$/, '$1');
}

function base64(hex: string | null): string {
  return Buffer.from(hex ?? '', 'hex').toString('base64');
}

/** A name as S3 lists it when asked for URL encoding; what is not UTF-8 stays as it came. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
