import { z } from '@hono/zod-openapi';
import { ConflictError, InvalidInputError, NotFoundError, UnreadableImageError } from '../../core/errors.ts';
import { sniffFormat } from '../../core/images/formats.ts';
import { probeImage } from '../../core/images/probe.ts';
import { digest } from '../../core/images/picture.ts';
import { checkPlace } from '../../core/registry/data-sets.ts';
import { checkPart } from '../../core/registry/names.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { checkKey, quote } from '../../core/storage/keys.ts';
import { RequestError, unsupportedType } from '../errors.ts';
import { mediaType, withBody } from '../http/body.ts';
import { route } from '../http/route.ts';
import type { Limits } from '../http/limits.ts';
import type { Memory } from '../http/memory.ts';
import type { ServerMetrics } from '../http/server-metrics.ts';
import type { Reconciler } from '../ingestion/reconciler.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';

const part = z.string().min(1).max(255);
const params = z.object({
  dataset: nameSchema,
  class: part.meta({ description: 'Any Unicode but "/" and control characters.', example: 'hat' }),
  file: part.meta({ example: '1.jpg' }),
});

export const modelsSchema = z.array(z.string()).meta({
  description:
    'The models whose versions in production were trained on this data set: their galleries take the change up in a moment, without a training.',
});

export const putSchema = z
  .object({
    key: z.string(),
    sha256: z.string(),
    bytes: z.int(),
    written: z.boolean().meta({ description: 'False when just this picture was there already.' }),
    models: modelsSchema,
  })
  .openapi('PutPicture');

const goneSchema = z.object({ key: z.string(), models: modelsSchema }).openapi('RemovedPicture');

const binary = { type: 'string' as const, format: 'binary' };
export const pictureBody = {
  required: true,
  content: { 'image/*': { schema: binary }, 'application/octet-stream': { schema: binary } },
};

const put = route({
  method: 'put',
  path: '/datasets/{dataset}/images/{class}/{file}',
  scope: 'upload',
  tag: 'data sets',
  summary: 'Put a picture under a class, in place of one of that name',
  description: 'With If-None-Match: * only when there is none of that name.',
  request: { params, headers: z.object({ 'if-none-match': z.literal('*').optional() }), body: pictureBody },
  responses: { 200: answer('It is there.', putSchema), ...problems(412, 413, 415, 422) },
});

const remove = route({
  method: 'delete',
  path: '/datasets/{dataset}/images/{class}/{file}',
  scope: 'upload',
  tag: 'data sets',
  summary: 'Take a picture out of a data set',
  request: { params },
  responses: { 200: answer('It is gone.', goneSchema), ...problems() },
});

/** What changes to datasets need. */
export interface DataSetNeeds {
  readonly registry: Registry;
  readonly limits: Limits;
  readonly memory: Memory;
  readonly metrics: ServerMetrics;
  /** Keeps galleries in sync with datasets; null: something else does, or nothing. */
  readonly ingestion: Reconciler | null;
}

/** Images of datasets. */
export function imageRoutes(needs: DataSetNeeds) {
  const { registry, ingestion } = needs;
  return router()
    .openapi(put, async (c) => {
      const { dataset, class: asked, file: name } = c.req.valid('param');
      const onlyNew = c.req.valid('header')['if-none-match'] !== undefined;
      checkPlace(asked, name);
      keyOf(registry, dataset, asked, name);
      const className = await registry.classIn(dataset, asked);
      return c.json(
        await putPicture(needs, c.req.raw, { dataset, className, file: name, replace: !onlyNew }),
        200,
      );
    })
    .openapi(remove, async (c) => {
      const { dataset, class: asked, file: name } = c.req.valid('param');
      keyOf(registry, dataset, asked, name);
      const className = await registry.classIn(dataset, asked);
      const key = keyOf(registry, dataset, className, name);
      if ((await registry.store.head(key)) === null) {
        throw new NotFoundError(
          `There is no picture ${quote(`${className}/${name}`)} in the data set "${dataset}".`,
        );
      }
      const { models } = await changing(ingestion, key, () => registry.store.delete(key));
      return c.json({ key, models }, 200);
    });
}

/** The whole key. @throws InvalidInputError when a name is not allowed */
export function keyOf(registry: Registry, dataSet: string, className: string, file: string): string {
  checkPart(className, 'class');
  checkPart(file, 'file name');
  const key = `${registry.dataSetPrefix(dataSet)}${className}/${file}`;
  checkKey(key);
  return key;
}

interface Place {
  readonly dataset: string;
  readonly className: string;
  readonly file: string;
  /** In place of which picture: of any, of none, of the one with this etag. */
  readonly replace: boolean | { readonly etag: string };
}

/** What a body has to be, where that is known. */
interface ExpectedBody {
  readonly bytes?: number;
  /** In hex. */
  readonly sha256?: string | undefined;
}

/**
 * Puts the body there, once it is found to be a picture.
 * @throws RequestError (unsupported-type, too-large, precondition-failed); UnreadableImageError
 */
export async function putPicture(
  { registry, limits, memory, metrics, ingestion }: DataSetNeeds,
  request: Request,
  { dataset, className, file: name, replace }: Place,
  expected: ExpectedBody = {},
): Promise<z.infer<typeof putSchema>> {
  const type = mediaType(request);
  if (type !== '' && type !== 'application/octet-stream' && !type.startsWith('image/')) {
    throw unsupportedType(
      `The body is of type ${JSON.stringify(type)}; send a picture (image/jpeg and so on).`,
    );
  }
  return withBody(request, expected.bytes ?? limits.pictureBytes, memory, async (bytes) => {
    if (expected.bytes !== undefined && bytes.length !== expected.bytes) {
      throw new InvalidInputError(
        `The body has ${bytes.length} bytes; the address is for ${expected.bytes}.`,
      );
    }
    const sum = digest(bytes);
    if (expected.sha256 !== undefined && expected.sha256 !== sum) {
      throw new InvalidInputError(`The body has the SHA-256 ${sum}; the address is for ${expected.sha256}.`);
    }
    try {
      await checkPicture(bytes, limits.pictureBytes);
    } catch (error) {
      if (error instanceof UnreadableImageError || error instanceof RequestError)
        metrics.rejected(error.code);
      throw error;
    }
    const picture = { className, file: name, bytes };
    const add = () => registry.addToDataSet(dataset, picture, { replace });
    const { result, models } = await changing(
      ingestion,
      keyOf(registry, dataset, className, name),
      add,
    ).catch((error: unknown) => {
      throw replace !== true && error instanceof ConflictError
        ? new RequestError(412, 'precondition-failed', error.message, { cause: error })
        : error;
    });
    return { ...result, sha256: sum, bytes: bytes.length, models };
  });
}

/** Changes a picture, and has the galleries that follow its data set take that up. */
async function changing<T>(
  ingestion: Reconciler | null,
  key: string,
  change: () => Promise<T>,
): Promise<{ result: T; models: string[] }> {
  return ingestion === null ? { result: await change(), models: [] } : ingestion.changing(key, change);
}

/** A picture by its first bytes and its header; it is decoded when it is used. */
async function checkPicture(bytes: Uint8Array, most: number): Promise<void> {
  if (bytes.length > 0) {
    const sniffed = sniffFormat(bytes);
    if (!('format' in sniffed)) {
      throw unsupportedType(`This is ${sniffed.other}; send JPEG, PNG, WebP, GIF, TIFF or AVIF.`);
    }
  }
  await probeImage(bytes, { bytes: most });
}
