import { z } from '@hono/zod-openapi';
import type { Decision, DecisionOptions } from '../../core/gallery/decision.ts';
import { OPERATING_POINTS } from '../../core/gallery/operating-points.ts';
import { InvalidInputError } from '../../core/errors.ts';
import { RULES } from '../../core/gallery/rules.ts';
import { signalOf } from '../http/deadline.ts';
import type { SentImage } from '../http/request-images.ts';
import { nonNegative, whole } from '../http/numbers.ts';
import { route } from '../http/route.ts';
import { answer, nameSchema, problems, queryOf, router } from '../http/router.ts';
import { askedFields, failed, failedSchema, picturesBody, said, saidSchema } from './asked.ts';
import type { ImageNeeds } from './asked.ts';
import type { UnknownQueue } from '../unknown/unknown-queue.ts';
import type { WarmVersion } from '../versions/warm-version.ts';
import type { Asked } from '../versions/warm-versions.ts';

const querySchema = queryOf({
  ...askedFields,
  top: whole(1, 9999).default(5).meta({ description: 'How many classes to name.', default: 5 }),
  point: z.enum(OPERATING_POINTS).optional().meta({
    description: 'How readily a picture counts as unknown.',
    default: 'balanced',
  }),
  threshold: nonNegative
    .optional()
    .meta({ description: 'Instead: the distance above which an image is unknown.' }),
  falseRejection: nonNegative.optional().meta({
    description: 'Instead: the false-rejection rate, the share of known images called unknown.',
  }),
  falseAcceptance: nonNegative.optional().meta({
    description: 'Instead: the false-acceptance rate, the share of unknown images called known.',
  }),
});
type Query = z.infer<typeof querySchema>;

const decisionSchema = z
  .object({
    image: z.string(),
    class: z.string().meta({ description: 'The nearest class, also when the picture is not known.' }),
    distance: z.number().meta({ description: 'To the class, by the rule.' }),
    rule: z.enum(RULES).meta({
      description:
        'What a class’s distance is: to its nearest picture, to its three nearest, or to their mean.',
    }),
    known: z.boolean().nullable().meta({ description: 'Null when there is no threshold to tell by.' }),
    confidence: z.number().nullable(),
    margin: z.number().nullable(),
    threshold: z.number().nullable(),
    neighbours: z
      .array(z.object({ class: z.string(), distance: z.number(), key: z.string() }))
      .meta({ description: 'The nearest classes by the rule, each with its picture that is nearest.' }),
  })
  .openapi('Decision');

const answerSchema = saidSchema
  .extend({
    point: z.string().nullable().meta({ description: 'Null when a threshold or rate was given instead.' }),
    gallery: z
      .object({ pictures: z.int(), changes: z.int(), lastChange: z.string().nullable(), sha256: z.string() })
      .meta({
        description:
          'Which state of the version’s gallery was searched: how many changes it had since it was published, the id of the last one, and the SHA-256 of all their ids (sorted, one a line): a change may come late, with an id before others.',
      }),
    results: z.array(z.union([decisionSchema, failedSchema])),
  })
  .openapi('Classified');

const shared = {
  method: 'post' as const,
  scope: 'classify' as const,
  tag: 'pictures' as const,
  responses: {
    200: answer('An answer for each picture, in order.', answerSchema),
    ...problems(413, 415, 422),
  },
};

const classify = route({
  ...shared,
  path: '/classify',
  summary: 'Tell the class of pictures, by the model that is asked by default',
  request: { query: querySchema, body: picturesBody },
});

const classifyByModel = route({
  ...shared,
  path: '/models/{model}/classify',
  summary: 'Tell the class of pictures',
  request: { params: z.object({ model: nameSchema }), query: querySchema, body: picturesBody },
});

interface ClassifyNeeds extends ImageNeeds {
  /** Keeps images that were not known; null: they are not kept. */
  readonly unknown: UnknownQueue | null;
}

/** The class of images. */
export function classifyRoutes(needs: ClassifyNeeds) {
  return router()
    .openapi(classify, async (c) => {
      const query = c.req.valid('query');
      const answered = await answerOf(needs, await needs.targets.of(undefined, query), c.req.raw, query);
      c.set('noted', notes(answered));
      return c.json(answered, 200);
    })
    .openapi(classifyByModel, async (c) => {
      const query = c.req.valid('query');
      const asked = await needs.targets.of(c.req.valid('param').model, query);
      const answered = await answerOf(needs, asked, c.req.raw, query);
      c.set('noted', notes(answered));
      return c.json(answered, 200);
    });
}

type Answer = z.infer<typeof answerSchema>;

/** For whoever watches many answers: how many pictures were decided on, and how many of them are of no known class. */
function notes({ results, timings }: Answer): Record<string, number> {
  const decided = results.filter((one) => 'known' in one);
  const unknown = decided.filter(({ known }) => known === false).length;
  return { pictures: decided.length, unknown, engineSeconds: timings.decodeAndEmbed ?? 0 };
}

async function answerOf(
  { images, versions, withoutPlace, unknown }: ClassifyNeeds,
  asked: Asked,
  request: Request,
  query: Query,
): Promise<Answer> {
  const options = optionsOf(query);
  return images.read(request, (sent) =>
    versions.ask(asked, async (version) => {
      const began = performance.now();
      const { knowledge } = version;
      const decide = knowledge.decide(options);
      const embedded = await images.embed(sent, version, signalOf(request));
      const between = performance.now();
      const results = await Promise.all(
        embedded.map(async (one, i) => {
          if (one.error !== undefined) return failed(one, withoutPlace);
          const estimates = await knowledge.estimates(one.embedding);
          const decision = decide(one.embedding, estimates);
          if (decision.known === false) await keepUnknown(unknown, version, sent[i], decision);
          return { image: one.image, ...plain(decision) };
        }),
      );
      const timings = {
        decodeAndEmbed: (between - began) / 1000,
        decide: (performance.now() - between) / 1000,
      };
      const point = options.point ?? null;
      return { ...said(version), point, gallery: knowledge.state, timings, results };
    }),
  );
}

/** Pictures of data sets have a class already. */
async function keepUnknown(
  unknown: UnknownQueue | null,
  { name }: WarmVersion,
  sent: SentImage | undefined,
  decision: Decision,
): Promise<void> {
  if (unknown === null || sent === undefined || sent.source !== undefined) return;
  unknown.add(name, await sent.read(), decision);
}

/** The same with arrays that may be written to, as the answer's type has them. */
function plain<T extends { readonly neighbours: readonly object[] }>(
  decision: T,
): Omit<T, 'neighbours'> & { neighbours: T['neighbours'][number][] } {
  return { ...decision, neighbours: [...decision.neighbours] };
}

/** @throws InvalidInputError when two things decide what is unknown */
function optionsOf({ top, point, threshold, falseRejection, falseAcceptance }: Query): DecisionOptions {
  const given = Object.entries({ point, threshold, falseRejection, falseAcceptance });
  const deciding = given.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (deciding.length > 1) {
    throw new InvalidInputError(
      `The query has ${deciding.join(' and ')}; one of them decides what is unknown.`,
    );
  }
  return {
    top,
    ...(deciding.length === 0 && { point: 'balanced' as const }),
    ...(point !== undefined && { point }),
    ...(threshold !== undefined && { threshold }),
    ...(falseRejection !== undefined && { falseRejection }),
    ...(falseAcceptance !== undefined && { falseAcceptance }),
  };
}
