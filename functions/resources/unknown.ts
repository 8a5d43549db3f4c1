import { z } from '@hono/zod-openapi';
import { NotFoundError } from '../../core/errors.ts';
import { DEFAULT_ALIAS } from '../../core/registry/names.ts';
import { listUnknown, readUnknown, removeUnknown } from '../../core/registry/unknown.ts';
import { jsonBody } from '../http/body.ts';
import { signalOf } from '../http/deadline.ts';
import type { SentImage } from '../http/request-images.ts';
import { pageLimit } from '../http/numbers.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, queryOf, router } from '../http/router.ts';
import type { UnknownQueue } from '../unknown/unknown-queue.ts';
import { addUnder, className, current, feedbackSchema } from './feedback.ts';
import type { GalleryNeeds } from './feedback.ts';

const id = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex')
  .meta({ description: "The SHA-256 of the picture's bytes." });
const params = z.object({ model: nameSchema, picture: id });

const unknownSchema = z
  .object({
    id,
    at: z.string(),
    version: z.int().meta({ description: 'The version that was asked.' }),
    class: z.string().meta({ description: 'The nearest class, which it was too far from.' }),
    distance: z.number(),
    threshold: z.number().nullable(),
    type: z.string(),
    bytes: z.int(),
  })
  .openapi('UnknownPicture');

const pageSchema = z
  .object({
    pictures: z.array(unknownSchema),
    next: z.string().nullable().meta({ description: 'What to give as `after` for more; null at the end.' }),
  })
  .openapi('UnknownPictures');

const labelSchema = z.strictObject({ class: className }).openapi('Label');

const list = route({
  method: 'get',
  path: '/models/{model}/unknown',
  scope: 'upload',
  tag: 'unknown pictures',
  summary: 'List pictures that the model did not know, and that wait to be labelled',
  description: 'They are kept only where the server was started to do so (--unknown).',
  request: {
    params: z.object({ model: nameSchema }),
    query: queryOf({
      after: id.optional(),
      limit: pageLimit,
    }),
  },
  responses: { 200: answer('Some of them.', pageSchema), ...problems() },
});

const show = route({
  method: 'get',
  path: '/models/{model}/unknown/{picture}',
  scope: 'upload',
  tag: 'unknown pictures',
  summary: 'The picture itself',
  request: { params },
  responses: {
    200: {
      description: 'As it was sent.',
      content: { 'image/*': { schema: { type: 'string' as const, format: 'binary' } } },
    },
    ...problems(),
  },
});

const label = route({
  method: 'post',
  path: '/models/{model}/unknown/{picture}/label',
  scope: 'upload',
  tag: 'unknown pictures',
  summary: 'Put the picture into the gallery of the version in production, and take it off the list',
  request: {
    params,
    body: {
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Label' } } },
    },
  },
  responses: { 200: answer('It is in the gallery.', feedbackSchema), ...problems(413, 415, 422) },
});

const discard = route({
  method: 'delete',
  path: '/models/{model}/unknown/{picture}',
  scope: 'upload',
  tag: 'unknown pictures',
  summary: 'Take the picture off the list for good',
  request: { params },
  responses: { 204: { description: 'It is gone.' }, ...problems() },
});

interface UnknownNeeds extends GalleryNeeds {
  /** Keeps images that were not known; null: they are not kept. */
  readonly unknown: UnknownQueue | null;
}

/** Images waiting for a label. */
export function unknownRoutes(needs: UnknownNeeds) {
  const { registry, memory, unknown } = needs;
  const routes = router();
  routes.openAPIRegistry.register('Label', labelSchema);
  return routes
    .openapi(list, async (c) => {
      const { after, limit: most } = c.req.valid('query');
      const pictures = await listUnknown(registry.store, c.req.valid('param').model, { after, most });
      const next = pictures.length === most ? (pictures.at(-1)?.id ?? null) : null;
      return c.json({ pictures: pictures.map((picture) => ({ ...picture })), next }, 200);
    })
    .openapi(show, async (c) => {
      const { model, picture } = c.req.valid('param');
      const { content, type } = await readUnknown(registry.store, model, picture);
      // Whoever looks at what strangers have sent should see a picture, and nothing else.
      c.header('Content-Security-Policy', "default-src 'none'; sandbox");
      // Not in memory at once: many may look, and slowly.
      return c.body(ReadableStream.from(content), 200, { 'Content-Type': type });
    })
    .openapi(label, async (c) => {
      const { model, picture } = c.req.valid('param');
      const { class: name } = await jsonBody(c.req.raw, labelSchema, memory);
      const found = await readUnknown(registry.store, model, picture);
      const resolved = await current(registry, { model, alias: DEFAULT_ALIAS });
      const told = await addUnder(needs, resolved, name, [sentOf(found)], {
        by: c.var.by,
        signal: signalOf(c.req.raw),
      });
      // Of two who label at once, one finds it gone already; the picture is where the later one put it.
      await removeUnknown(registry.store, model, picture).catch((error: unknown) => {
        if (!(error instanceof NotFoundError)) throw error;
      });
      unknown?.changed(model);
      return c.json(told, 200);
    })
    .openapi(discard, async (c) => {
      const { model, picture } = c.req.valid('param');
      await removeUnknown(registry.store, model, picture);
      unknown?.changed(model);
      return c.body(null, 204);
    });
}

function sentOf({ id: image, bytes, content }: Awaited<ReturnType<typeof readUnknown>>): SentImage {
  return {
    image,
    stored: () => Promise.resolve(bytes),
    read: async () => Buffer.concat(await gathered(content)),
  };
}

async function gathered(content: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return pieces;
}
