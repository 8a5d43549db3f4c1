import { z } from '@hono/zod-openapi';
import type { Deps } from '../deps.ts';
import { signalOf } from '../http/deadline.ts';
import { embedSent, withPictures } from '../http/pictures.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, router } from '../http/router.ts';
import { askedOf, askedQuery, failed, failedSchema, picturesBody, said, saidSchema } from './asked.ts';
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
export function embedRoutes(deps: Deps) {
  return router()
    .openapi(embed, async (c) => {
      const asked = await askedOf(deps, undefined, c.req.valid('query'));
      return c.json(await answerOf(deps, asked, c.req.raw), 200);
    })
    .openapi(embedByModel, async (c) => {
      const asked = await askedOf(deps, c.req.valid('param').model, c.req.valid('query'));
      return c.json(await answerOf(deps, asked, c.req.raw), 200);
    });
}

async function answerOf(deps: Deps, asked: Asked, request: Request): Promise<z.infer<typeof answerSchema>> {
  return withPictures(request, deps, (sent) =>
    deps.versions.ask(asked, async (version) => {
      const began = performance.now();
      const embedded = await embedSent(sent, version, deps, signalOf(request));
      const timings = { decodeAndEmbed: (performance.now() - began) / 1000, decide: 0 };
      const results = embedded.map((one) =>
        one.error === undefined ? { image: one.image, embedding: [...one.embedding] } : failed(one, deps),
      );
      return { ...said(version), timings, results };
    }),
  );
}
