import { z } from '@hono/zod-openapi';
import { signalOf } from '../http/deadline.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';
import { askedQuery, failed, failedSchema, picturesBody, said, saidSchema } from './asked.ts';
import type { ImageNeeds } from './asked.ts';
import type { Asked } from '../versions/warm-versions.ts';

const answerSchema = saidSchema
  .extend({
    results: z.array(
      z.union([z.object({ image: z.string(), embedding: z.array(z.number()) }), failedSchema]),
    ),
  })
  .openapi('Embedded');

const shared = {
  method: 'post' as const,
  scope: 'classify' as const,
  tag: 'pictures' as const,
  responses: {
    200: answer('The embedding of each picture, in order.', answerSchema),
    ...problems(413, 415, 422),
  },
};

const embed = route({
  ...shared,
  path: '/embed',
  summary: 'Turn pictures into embeddings, by the model that is asked by default',
  request: { query: askedQuery, body: picturesBody },
});

const embedByModel = route({
  ...shared,
  path: '/models/{model}/embed',
  summary: 'Turn pictures into embeddings',
  request: { params: z.object({ model: nameSchema }), query: askedQuery, body: picturesBody },
});

/** Pictures as numbers. */
export function embedRoutes(needs: ImageNeeds) {
  return router()
    .openapi(embed, async (c) => {
      const asked = await needs.targets.of(undefined, c.req.valid('query'));
      return c.json(await answerOf(needs, asked, c.req.raw), 200);
    })
    .openapi(embedByModel, async (c) => {
      const asked = await needs.targets.of(c.req.valid('param').model, c.req.valid('query'));
      return c.json(await answerOf(needs, asked, c.req.raw), 200);
    });
}

async function answerOf(
  { images, versions, withoutPlace }: ImageNeeds,
  asked: Asked,
  request: Request,
): Promise<z.infer<typeof answerSchema>> {
  return images.read(request, (sent) =>
    versions.ask(asked, async (version) => {
      const began = performance.now();
      const embedded = await images.embed(sent, version, signalOf(request));
      const timings = { decodeAndEmbed: (performance.now() - began) / 1000, decide: 0 };
      const results = embedded.map((one) =>
        one.error === undefined
          ? { image: one.image, embedding: [...one.embedding] }
          : failed(one, withoutPlace),
      );
      return { ...said(version), timings, results };
    }),
  );
}
