import { z } from '@hono/zod-openapi';
import { InvalidInputError } from '../../core/errors.ts';
import { OPERATING_POINTS } from '../../core/gallery/operating-points.ts';
import type { OperatingPoint } from '../../core/gallery/operating-points.ts';
import { createSearch } from '../../core/gallery/search.ts';
import { signalOf } from '../http/deadline.ts';
import { nonNegative } from '../http/numbers.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, queryOf, router } from '../http/router.ts';
import { askedFields, picturesBody, said, saidSchema } from './asked.ts';
import type { ImageNeeds } from './asked.ts';
import type { Asked } from '../versions/warm-versions.ts';
import type { Knowledge } from '../versions/knowledge.ts';

const querySchema = queryOf({
  ...askedFields,
  point: z.enum(OPERATING_POINTS).optional().meta({ default: 'balanced' }),
  threshold: nonNegative.optional().meta({ description: 'Instead: say "same" up to this distance.' }),
});
type Query = z.infer<typeof querySchema>;

const answerSchema = saidSchema
  .extend({
    point: z.string().nullable(),
    images: z.array(z.string()),
    distance: z.number().meta({ description: 'Between the two pictures.' }),
    threshold: z.number().nullable(),
    same: z.boolean().nullable().meta({
      description:
        'Whether the distance is at most the threshold. Null when the version has none that is about two pictures.',
    }),
  })
  .openapi('Verified');

const shared = {
  method: 'post' as const,
  scope: 'classify' as const,
  tag: 'pictures' as const,
  responses: { 200: answer('How far the two are apart.', answerSchema), ...problems(413, 415, 422) },
};

const verify = route({
  ...shared,
  path: '/verify',
  summary: 'Compare two pictures, by the model that is asked by default',
  request: { query: querySchema, body: picturesBody },
});

const verifyByModel = route({
  ...shared,
  path: '/models/{model}/verify',
  summary: 'Compare two pictures',
  request: { params: z.object({ model: nameSchema }), query: querySchema, body: picturesBody },
});

/** Whether two pictures show the same. */
export function verifyRoutes(needs: ImageNeeds) {
  return router()
    .openapi(verify, async (c) => {
      const query = c.req.valid('query');
      return c.json(await answerOf(needs, await needs.targets.of(undefined, query), c.req.raw, query), 200);
    })
    .openapi(verifyByModel, async (c) => {
      const query = c.req.valid('query');
      const asked = await needs.targets.of(c.req.valid('param').model, query);
      return c.json(await answerOf(needs, asked, c.req.raw, query), 200);
    });
}

async function answerOf(
  { images, versions }: ImageNeeds,
  asked: Asked,
  request: Request,
  { point = 'balanced', threshold: given }: Query,
): Promise<z.infer<typeof answerSchema>> {
  return images.read(request, (sent) => {
    if (sent.length !== 2) {
      throw new InvalidInputError(
        `There ${sent.length === 1 ? 'is 1 picture' : `are ${sent.length} pictures`}; send two, as two parts or two keys.`,
      );
    }
    return versions.ask(asked, async (version) => {
      const began = performance.now();
      const embedded = await images.embed(sent, version, signalOf(request));
      const [first, second] = embedded.map((one) => {
        if (one.error !== undefined) throw one.error;
        return one.embedding;
      });
      const between = performance.now();
      const distance = distanceOf(version.knowledge, first, second);
      const threshold = given === undefined ? thresholdOf(version.knowledge, point) : given;
      return {
        ...said(version),
        point: given === undefined ? point : null,
        timings: {
          decodeAndEmbed: (between - began) / 1000,
          decide: (performance.now() - between) / 1000,
        },
        images: sent.map(({ image }) => image),
        distance,
        threshold,
        same: threshold === null ? null : distance <= threshold,
      };
    });
  });
}

function distanceOf(
  { gallery }: Knowledge,
  a: Float32Array = new Float32Array(),
  b: Float32Array = new Float32Array(),
): number {
  const { dimensions, distance } = gallery;
  const one = { dimensions, distance, keys: ['a'], classes: ['a'], embeddings: a };
  return createSearch(one).distances(b)[0] ?? Number.NaN;
}

/** Where nothing is known of pairs, the nearest picture of a class has to stand for the second one; the mean of a class cannot. */
function thresholdOf({ calibration }: Knowledge, point: OperatingPoint): number | null {
  if (calibration === null) return null;
  if (calibration.pairs !== null) return calibration.pairs[point].threshold;
  return calibration.rule === 'nearest' ? calibration.points[point].threshold : null;
}
