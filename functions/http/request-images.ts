/** The images of a request: the body itself, parts of a form, or images of datasets by their keys. */
import { z } from '@hono/zod-openapi';
import { InvalidInputError, KindredError, NotFoundError } from '../../core/errors.ts';
import { decodeImage } from '../../core/images/decode.ts';
import { checkKey, quote } from '../../core/storage/keys.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import { tooLarge, unsupportedType } from '../errors.ts';
import type { WarmVersion } from '../versions/warm-version.ts';
import { mediaType, parseJson, withBody } from './body.ts';
import { partsOf } from './form.ts';
import { checkFormat } from './image-format.ts';
import type { Limits } from './limits.ts';
import type { Line } from './line.ts';
import type { Memory } from './memory.ts';

const key = z.string().min(1).meta({ example: 'datasets/clothes/hat/1.jpg' });

/** Pictures that are in a data set already. */
export const keysSchema = z
  .union([z.strictObject({ key }), z.strictObject({ keys: z.array(key).min(1) })])
  .openapi('PictureKeys');

export interface SentImage {
  /** The file's name where one was sent, the key, or "image". */
  readonly image: string;
  readonly read: () => Promise<Uint8Array>;
  /** Its key, where it is in a data set already. */
  readonly source?: string;
  /** How many bytes it has, where it was not sent with the request: they are in nobody's memory before it is read. */
  readonly stored?: () => Promise<number>;
}

const FORM_NAME = 'image';
const KEYS_BYTES = 64 * 1024;
/** Parts of a form that are something else, and ignored. */
const OTHER_PARTS = 16;

export interface RequestImagesOptions {
  readonly store: ObjectStore;
  readonly limits: Limits;
  /** Bytes of bodies in memory. */
  readonly memory: Memory;
  /** Images being decoded and embedded. */
  readonly work: Line;
  /** An image was refused, by the code of the error. */
  readonly onRejected: (code: string) => void;
}

/** What became of one image; `error` is the fault of the image. */
export type Embedded =
  | { readonly image: string; readonly embedding: Float32Array; readonly error?: undefined }
  | { readonly image: string; readonly error: KindredError };

/** Reads the images of requests within the limits, and embeds them. */
export class RequestImages {
  readonly #options: RequestImagesOptions;

  constructor(options: RequestImagesOptions) {
    this.#options = options;
  }

  /**
   * Reads the images of a request and gives them to `work`.
   * @throws RequestError (too-large, unsupported-type, busy); InvalidInputError; NotFoundError
   */
  async read<T>(request: Request, work: (images: readonly SentImage[]) => Promise<T>): Promise<T> {
    const { limits, memory, store } = this.#options;
    const type = mediaType(request);
    if (type === 'application/json') {
      return withBody(request, KEYS_BYTES, memory, (bytes) => work(byKeys(bytes, store, limits)));
    }
    if (type === 'multipart/form-data') {
      return withBody(request, limits.bodyBytes, memory, async (bytes) =>
        work(await filesOf(bytes, request.headers.get('content-type') ?? '', limits)),
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

  /**
   * Embeds the images. Of several, each may fail alone; a single one fails as a whole.
   * @throws UnreadableImageError; RequestError (unsupported-type, too-large, busy, cancelled); NotFoundError
   */
  async embed(sent: readonly SentImage[], version: WarmVersion, signal: AbortSignal): Promise<Embedded[]> {
    return Promise.all(
      sent.map(async (image) => {
        try {
          return { image: image.image, embedding: await this.#embedOne(image, version, signal) };
        } catch (error) {
          if (!isItsOwnFault(error)) throw error;
          this.#options.onRejected(error.code);
          if (sent.length === 1) throw error;
          return { image: image.image, error };
        }
      }),
    );
  }

  async #embedOne(
    image: SentImage,
    { embedder, batcher }: WarmVersion,
    signal: AbortSignal,
  ): Promise<Float32Array> {
    const { work, limits } = this.#options;
    const entered = await work.run(async () => {
      const bytes = await image.read();
      checkFormat(bytes);
      const pixels = await decodeImage(bytes, embedder.preprocessing, { bytes: limits.pictureBytes });
      // Only so many are decoded ahead of the engine.
      return batcher.enter(pixels, signal);
    }, signal);
    return entered.embedding;
  }
}

function byKeys(bytes: Uint8Array, store: ObjectStore, limits: Limits): SentImage[] {
  const asked = parseJson(bytes, keysSchema);
  const keys = 'key' in asked ? [asked.key] : asked.keys;
  checkCount(keys.length, limits.pictures);
  return keys.map((image): SentImage => {
    if (!image.startsWith('datasets/')) {
      throw new InvalidInputError(
        `The key ${quote(image)} is not one of a data set; they begin with "datasets/".`,
      );
    }
    checkKey(image);
    const stored = async (): Promise<number> => {
      const head = await store.head(image);
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
        const found = await store.get(image);
        if (found === null) throw new NotFoundError(`There is no picture ${quote(image)}.`);
        return found.bytes;
      },
    };
  });
}

async function filesOf(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  limits: Limits,
): Promise<SentImage[]> {
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

const OWN_FAULTS = new Set([
  'unreadable-image',
  'unsupported-image',
  'unsupported-type',
  'too-large',
  'not-found',
]);

function isItsOwnFault(error: unknown): error is KindredError {
  return error instanceof KindredError && OWN_FAULTS.has(error.code);
}
