import { z } from '@hono/zod-openapi';
import { embedPictures } from '../../core/embedding/embed-pictures.ts';
import { UnreadableImageError } from '../../core/errors.ts';
import { digest } from '../../core/images/picture.ts';
import type { KnownGalleries } from '../../core/ingest/known-galleries.ts';
import { labelImages } from '../../core/ingest/label.ts';
import type { ImageToLabel } from '../../core/ingest/label.ts';
import type { Registry, Resolved } from '../../core/registry/registry.ts';
import { signalOf } from '../http/deadline.ts';
import { checkFormat } from '../http/image-format.ts';
import type { Line } from '../http/line.ts';
import type { Memory } from '../http/memory.ts';
import type { SentImage } from '../http/request-images.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, queryOf, router } from '../http/router.ts';
import type { ServerMetrics } from '../http/server-metrics.ts';
import { askedFields, picturesBody } from './asked.ts';
import type { ImageNeeds } from './asked.ts';

export const className = z.string().min(1).max(255).meta({
  description: 'The right class, there already or new: any Unicode but "/" and control characters.',
  example: 'hat',
});

const correctedSchema = z
  .object({
    image: z.string(),
    sha256: z.string(),
    key: z.string().nullable().meta({ description: 'In the gallery; null when the picture cannot be used.' }),
    outcome: z.enum(['added', 'moved', 'unchanged', 'rejected']),
    reason: z.string().nullable().meta({ description: 'Why it was rejected.' }),
  })
  .openapi('ImageToLabel');

export const feedbackSchema = z
  .object({
    model: z.string(),
    version: z.int().meta({ description: 'The version whose gallery has it.' }),
    class: z.string(),
    results: z.array(correctedSchema),
  })
  .openapi('Feedback');

const feedback = route({
  method: 'post',
  path: '/models/{model}/feedback',
  scope: 'upload',
  tag: 'pictures',
  summary: 'Say the right class of pictures: they go into the gallery under it, and out of other classes',
  description:
    'The next answer knows it. It goes over to the versions to come, and stays when a data set has these pictures under another class.',
  request: {
    params: z.object({ model: nameSchema }),
    query: queryOf({ ...askedFields, class: className }),
    body: picturesBody,
  },
  responses: {
    200: answer('What became of each picture, in order.', feedbackSchema),
    ...problems(413, 415, 422),
  },
});

/** What adding images to a gallery needs. */
export interface GalleryNeeds extends Pick<ImageNeeds, 'versions'> {
  readonly registry: Registry;
  readonly galleries: KnownGalleries;
  readonly memory: Memory;
  /** Images being decoded and embedded. */
  readonly work: Line;
  readonly metrics: ServerMetrics;
  readonly trouble: (error: unknown) => void;
}

/** Corrections of classified images. */
export function feedbackRoutes(needs: GalleryNeeds & ImageNeeds) {
  return router().openapi(feedback, async (c) => {
    const { class: name, ...query } = c.req.valid('query');
    const asked = await needs.targets.of(c.req.valid('param').model, query);
    const resolved = 'version' in asked ? { ...asked, alias: null } : await current(needs.registry, asked);
    return c.json(
      await needs.images.read(c.req.raw, async (sent) =>
        addUnder(needs, resolved, name, sent, { by: c.var.by, signal: signalOf(c.req.raw) }),
      ),
      200,
    );
  });
}

/** The version that the alias points to now. @throws NotFoundError */
export async function current(
  registry: Registry,
  { model, alias }: { readonly model: string; readonly alias: string },
): Promise<Resolved> {
  return registry.resolve(`${model}@${alias}`);
}

/**
 * Puts the pictures into the version's gallery under the class, which answers by them from then on.
 * @throws UnreadableImageError; RequestError (unsupported-type) when there is but one, and it cannot be used
 */
export async function addUnder(
  needs: GalleryNeeds,
  resolved: Resolved,
  name: string,
  sent: readonly SentImage[],
  { by, signal }: { readonly by: string; readonly signal: AbortSignal },
): Promise<z.infer<typeof feedbackSchema>> {
  const { registry, galleries, versions, work, memory, metrics, trouble } = needs;
  const { model, version } = resolved;
  const { class: spelled, images } = await withBytes(sent, memory, (given) =>
    labelImages(registry, { model, version }, name, given, {
      by,
      galleries,
      // One of those that are at work at once; what waits for its turn has an end.
      embed: (of, some) =>
        work.run(() => versions.ask(of, ({ embedder }) => embedPictures(embedder, some, { signal })), signal),
    }),
  );
  const [only] = images;
  if (images.length === 1 && only?.outcome === 'rejected') {
    metrics.rejected('unreadable-image');
    throw new UnreadableImageError(only.reason ?? 'the picture cannot be read');
  }
  await versions.refreshGallery({ model, version }, galleries.log({ model, version })).catch(trouble);
  const results = images.map((one, i) => ({ image: sent[i]?.image ?? '', ...one }));
  return { model, version, class: spelled, results };
}

/** All of them are in memory at once here; those that did not come with the request count as its body would. @throws RequestError (busy) */
async function withBytes<T>(
  sent: readonly SentImage[],
  memory: Memory,
  work: (pictures: readonly ImageToLabel[]) => Promise<T>,
): Promise<T> {
  let taken = 0;
  try {
    const pictures: ImageToLabel[] = [];
    for (const each of sent) {
      const bytes = (await each.stored?.()) ?? 0;
      memory.take(bytes);
      taken += bytes;
      pictures.push(await pictureOf(each));
    }
    return await work(pictures);
  } finally {
    memory.give(taken);
  }
}

/** Names that people gave their files say nothing here, and may be anything. */
async function pictureOf({ read, source }: SentImage): Promise<ImageToLabel> {
  const bytes = await read();
  const format = checkFormat(bytes);
  return { bytes, file: `${digest(bytes).slice(0, 16)}.${format.toLowerCase()}`, source };
}
