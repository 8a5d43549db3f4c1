import { z } from '@hono/zod-openapi';
import { checkPlace } from '../../core/registry/data-sets.ts';
import { tooLarge, unsupportedType } from '../errors.ts';
import { jsonBody, mediaType } from '../http/body.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';
import type { UploadSigner } from '../http/upload-signature.ts';
import { keyOf, pictureBody, putPicture, putSchema } from './images.ts';
import type { DataSetNeeds } from './images.ts';

const TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/tiff', 'image/avif'] as const;
/** Long enough for a large picture over a slow line. */
const SECONDS = 900;

const wantedSchema = z
  .strictObject({
    files: z
      .array(
        z.strictObject({
          class: z.string().min(1).max(255),
          file: z.string().min(1).max(255),
          type: z.enum(TYPES),
          bytes: z.int().min(1),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/)
            .optional()
            .meta({ description: 'Of the content, in hex: nothing else may be put then.' }),
        }),
      )
      .min(1)
      .max(100),
  })
  .openapi('WantedUploads');

const uploadsSchema = z
  .object({
    uploads: z.array(
      z.object({
        key: z.string(),
        method: z.literal('PUT'),
        url: z.string(),
        headers: z.record(z.string(), z.string()).meta({ description: 'To be sent along, as they are.' }),
        expiresAt: z.string(),
      }),
    ),
  })
  .openapi('Uploads');

const ask = route({
  method: 'post',
  path: '/datasets/{dataset}/uploads',
  scope: 'upload',
  tag: 'data sets',
  summary: 'Ask for addresses that pictures can be put to, each for one file of just this type and length',
  description:
    'They lead into the bucket where the registry is in S3, and to this server where it is in a folder. Each lets one picture in, in place of ' +
    'what is there now; who comes later is answered with 412.',
  request: {
    params: z.object({ dataset: nameSchema }),
    body: {
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/WantedUploads' } } },
    },
  },
  responses: { 200: answer('An address for each file, in order.', uploadsSchema), ...problems(413, 415) },
});

const take = route({
  method: 'put',
  path: '/uploads/{upload}',
  // The address itself is signed: it allows this one upload.
  scope: 'public',
  tag: 'data sets',
  summary: 'Put a picture to an address that this server gave out',
  request: { params: z.object({ upload: z.string().max(4096) }), body: pictureBody },
  responses: { 200: answer('It is there.', putSchema), ...problems(412, 413, 415, 422) },
});

/** The etag of nothing. */
const NEVER = 'never';

interface UploadNeeds extends DataSetNeeds {
  readonly uploads: UploadSigner;
  /** The server's address for clients; null: as the request names it. */
  readonly publicUrl: string | null;
}

/** Uploads to signed addresses. */
export function uploadRoutes(needs: UploadNeeds) {
  const { registry, limits, memory, uploads: signer, ingestion, publicUrl } = needs;
  const routes = router();
  routes.openAPIRegistry.register('WantedUploads', wantedSchema);
  return routes
    .openapi(ask, async (c) => {
      const { dataset } = c.req.valid('param');
      const { files } = await jsonBody(c.req.raw, wantedSchema, memory);
      const expiresAt = new Date(Date.now() + SECONDS * 1000).toISOString();
      for (const { class: className, file, bytes } of files) {
        if (bytes > limits.pictureBytes) {
          throw tooLarge(
            `${JSON.stringify(file)} has ${bytes} bytes, allowed are at most ${limits.pictureBytes}.`,
          );
        }
        checkPlace(className, file);
        keyOf(registry, dataset, className, file);
      }
      // At once, since each asks the store.
      const uploads = await Promise.all(
        files.map(async ({ class: className, file, ...wanted }) => {
          const key = keyOf(registry, dataset, await registry.classIn(dataset, className), file);
          const instead = (await registry.store.head(key))?.etag ?? null;
          const upload = { ...wanted, instead, seconds: SECONDS };
          const direct = await registry.store.uploadAddress?.(key, upload);
          if (direct !== undefined) await ingestion?.expect(key, SECONDS);
          const address = direct ?? {
            url: new URL(`/v1/uploads/${signer.sign(key, upload)}`, publicUrl ?? c.req.url).href,
            headers: { 'Content-Type': wanted.type },
          };
          return { key, method: 'PUT' as const, ...address, headers: { ...address.headers }, expiresAt };
        }),
      );
      return c.json({ uploads }, 200);
    })
    .openapi(take, async (c) => {
      const claims = signer.read(c.req.valid('param').upload);
      const { key, type, instead } = claims;
      const given = mediaType(c.req.raw);
      if (given !== type) {
        throw unsupportedType(`The body is of type ${JSON.stringify(given)}; the address is for ${type}.`);
      }
      const [, dataset = '', className = '', file = ''] = key.split('/');
      const etag = signer.isUsed(claims) ? NEVER : instead;
      const place = { dataset, className, file, replace: etag !== null && { etag } };
      const put = await putPicture(needs, c.req.raw, place, claims);
      signer.use(claims);
      return c.json(put, 200);
    });
}
