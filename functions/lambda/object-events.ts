/** What S3 says about objects, in either of its two ways. */
import { z } from 'zod';
import { InvalidInputError } from '../../core/errors.ts';
import { quote } from '../../core/storage/keys.ts';

/** Something has happened to an object; what it is now has to be looked at, since such words come late, twice and in any order. */
export interface ObjectEvent {
  readonly bucket: string;
  /** As it is in the bucket. */
  readonly key: string;
}

/** From S3 through EventBridge: the key is as it is in the bucket. */
const bridged = z.object({
  source: z.literal('aws.s3'),
  'detail-type': z.string(),
  detail: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string() }) }),
});

/** From S3 itself: the key is encoded as in a form. */
const notified = z.object({
  Records: z.array(
    z.object({
      eventSource: z.string().regex(/^[a-z]+:s3$/),
      eventName: z.string(),
      s3: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string() }) }),
    }),
  ),
});

/** What S3 sends when somebody asks it to notify. */
const test = z.object({ Event: z.literal('s3:TestEvent') });

const BRIDGED = new Set(['Object Created', 'Object Deleted']);
/** Servers other than AWS' write "s3:" before it. */
const NOTIFIED = /^(?:s3:)?(?:ObjectCreated|ObjectRemoved|LifecycleExpiration):/;

/**
 * What a message says about objects that came, were replaced or went; other things that S3 tells (tags, restores, tests) are left out.
 * @throws InvalidInputError when it is neither shape
 */
export function objectEvents(message: unknown): ObjectEvent[] {
  const fromBridge = bridged.safeParse(message);
  if (fromBridge.success) {
    const { detail, 'detail-type': type } = fromBridge.data;
    return BRIDGED.has(type) ? [{ bucket: detail.bucket.name, key: detail.object.key }] : [];
  }
  const fromS3 = notified.safeParse(message);
  if (fromS3.success) {
    return fromS3.data.Records.filter(({ eventName }) => NOTIFIED.test(eventName)).map(({ s3 }) => {
      return { bucket: s3.bucket.name, key: decoded(s3.object.key) };
    });
  }
  if (test.safeParse(message).success) return [];
  throw new InvalidInputError(
    `The message is not one of S3, neither through EventBridge nor from S3 itself: ${quote(JSON.stringify(message) ?? '')}.`,
  );
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch (cause) {
    throw new InvalidInputError(`The key ${quote(key)} is not percent-encoded UTF-8.`, { cause });
  }
}
