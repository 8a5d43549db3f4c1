/** The pictures of a request: the body itself, parts of a form, or pictures of data sets by their keys. */
import { z } from '@hono/zod-openapi';
import { InvalidInputError, KindredError, NotFoundError, UnreadableImageError } from '../../core/errors.ts';
import { decodeImage } from '../../core/images/decode.ts';
import { sniffFormat } from '../../core/images/formats.ts';
import type { ImageFormat } from '../../core/images/formats.ts';
import { checkKey, quote } from '../../core/storage/keys.ts';
import type { Deps } from '../deps.ts';
import { tooLarge, unsupportedType } from '../errors.ts';
import type { WarmVersion } from '../versions/warm-version.ts';
import { mediaType, parseJson, withBody } from './body.ts';
import { partsOf } from './form.ts';

const key = z.string().min(1).meta({ example: 'datasets/clothes/hat/1.jpg' });

/** Pictures that are in a data set already. */
export const keysSchema = z
  .union([z.strictObject({ key }), z.strictObject({ keys: z.array(key).min(1) })])
  .openapi('PictureKeys');

export interface SentPicture {
  /** The file's name where one was sent, the key, or "image". */
  readonly image: string;
  readonly read: () => Promise<Uint8Array>;
  /** Its key, where it is in a data set already. */
  readonly source?: string;
  /** How many bytes it has, where it was not sent with the request: they are in nobody's memory before it is read. */
  readonly stored?: () => Promise<number>;
}

const FORM_NAME = 'image';
/** Parts of a form that are something else, and ignored. */
const OTHER_PARTS = 16;

/**
 * Reads what was sent, and gives it to `work`.
 * @throws RequestError (too-large, unsupported-type, busy); InvalidInputError; NotFoundError
 */
export async function withPictures<T>(
  request: Request,
  deps: Deps,
  work: (pictures: readonly SentPicture[]) => Promise<T>,
): Promise<T> {
  const { limits, memory } = deps;
  const type = mediaType(request);
  if (type === 'application/json') {
    return withBody(request, 64 * 1024, memory, (bytes) => work(byKeys(bytes, deps)));
  }
  if (type === 'multipart/form-data') {
    return withBody(request, limits.bodyBytes, memory, async (bytes) =>
      work(await filesOf(bytes, request.headers.get('content-type') ?? '', deps)),
    );
  }
  if (type !== '' && type !== 'application/octet-stream' && !type.startsWith('image/')) {
    throw unsupportedType(
      `The body is of type ${JSON.stringify(type)}; send a picture (image/jpeg and so on), multipart/form-data with ` +
        `parts named "${FORM_NAME}", or application/json with a key.`,
    );
  }
  return withBody(request, limits.pictureBytes, memory, (bytes) =>
    work([{ image: FORM_NAME, read: () => Promise.resolve(bytes) }]),
  );
}

function byKeys(bytes: Uint8Array, { registry, limits }: Deps): SentPicture[] {
  const asked = parseJson(bytes, keysSchema);
  const keys = 'key' in asked ? [asked.key] : asked.keys;
  checkCount(keys.length, limits.pictures);
  return keys.map((image): SentPicture => {
    if (!image.startsWith('datasets/')) {
      throw new InvalidInputError(
        `The key ${quote(image)} is not one of a data set; they begin with "datasets/".`,
      );
    }
    checkKey(image);
    const stored = async (): Promise<number> => {
      const head = await registry.store.head(image);
      if (head === null) throw new NotFoundError(`There is no picture ${quote(image)}.`);
      if (head.size > limits.pictureBytes) throw pictureTooLarge(head.size, limits.pictureBytes);
      return head.size;
    };
    return {
      image,
      source: image,
      stored,
      async read() {
        await stored();
        const found = await registry.store.get(image);
        if (found === null) throw new NotFoundError(`There is no picture ${quote(image)}.`);
        return found.bytes;
      },
    };
  });
}

async function filesOf(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  { limits }: Deps,
): Promise<SentPicture[]> {
  const all = await partsOf(bytes, contentType, limits.pictures + OTHER_PARTS);
  const parts = all.filter(({ name }) => name === FORM_NAME);
  if (parts.length === 0) {
    throw new InvalidInputError(`The form has no part named "${FORM_NAME}". Send each picture as one.`);
  }
  checkCount(parts.length, limits.pictures);
  return parts.map(({ file }, i) => {
    if (file === null) {
      throw new InvalidInputError(
        `Part ${i + 1} named "${FORM_NAME}" is a text, not a file; send it with a file name.`,
      );
    }
    return {
      image: file.name === '' ? `${FORM_NAME}-${i + 1}` : file.name,
      read() {
        if (file.bytes.length <= limits.pictureBytes) return Promise.resolve(file.bytes);
        return Promise.reject(pictureTooLarge(file.bytes.length, limits.pictureBytes));
      },
    };
  });
}

function checkCount(count: number, most: number): void {
  if (count > most)
    throw tooLarge(`There are ${count} pictures, allowed are at most ${most}. Send fewer at once.`);
}

function pictureTooLarge(bytes: number, most: number): Error {
  return tooLarge(`The picture has ${bytes} bytes, allowed are at most ${most}. Save it smaller.`);
}

/** What became of one picture; `error` is one of those that the picture is to blame for. */
export type Embedded =
  | { readonly image: string; readonly embedding: Float32Array; readonly error?: undefined }
  | { readonly image: string; readonly error: KindredError };

/**
 * Embeds the pictures; several of them may fail one by one, a single one fails as a whole.
 * @throws UnreadableImageError; RequestError (unsupported-type, too-large, busy, cancelled); NotFoundError
 */
export async function embedSent(
  sent: readonly SentPicture[],
  version: WarmVersion,
  deps: Deps,
  signal: AbortSignal,
): Promise<Embedded[]> {
  return Promise.all(
    sent.map(async (picture) => {
      try {
        return { image: picture.image, embedding: await embedOne(picture, version, deps, signal) };
      } catch (error) {
        if (!isItsOwnFault(error)) throw error;
        deps.metrics.rejected(error.code);
        if (sent.length === 1) throw error;
        return { image: picture.image, error };
      }
    }),
  );
}

async function embedOne(
  picture: SentPicture,
  { embedder, batcher }: WarmVersion,
  { work, limits }: Deps,
  signal: AbortSignal,
): Promise<Float32Array> {
  const entered = await work.run(async () => {
    const bytes = await picture.read();
    checkFormat(bytes);
    const pixels = await decodeImage(bytes, embedder.preprocessing, { bytes: limits.pictureBytes });
    // Only so many are decoded ahead of the engine.
    return batcher.enter(pixels, signal);
  }, signal);
  return entered.embedding;
}

/** What is no picture by its content is of the wrong type, whatever its header said. */
export function checkFormat(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new UnreadableImageError('the picture is empty; send its bytes');
  const sniffed = sniffFormat(bytes);
  if ('format' in sniffed) return sniffed.format;
  throw unsupportedType(`This is ${sniffed.other}; send JPEG, PNG, WebP, GIF, TIFF or AVIF.`);
}

const OWN_FAULTS = new Set(['unreadable-image', 'unsupported-type', 'too-large', 'not-found']);

function isItsOwnFault(error: unknown): error is KindredError {
  return error instanceof KindredError && OWN_FAULTS.has(error.code);
}
