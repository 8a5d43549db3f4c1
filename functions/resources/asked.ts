/** What requests about images have in common, and their responses. */
import { z } from '@hono/zod-openapi';
import { DEFAULT_ALIAS } from '../../core/registry/names.ts';
import { versionNumber } from '../http/numbers.ts';
import type { TextFilter } from '../http/places.ts';
import { queryOf } from '../http/router.ts';
import { keysSchema } from '../http/request-images.ts';
import type { Embedded, RequestImages } from '../http/request-images.ts';
import type { Targets } from '../versions/targets.ts';
import type { WarmVersion } from '../versions/warm-version.ts';
import type { WarmVersions } from '../versions/warm-versions.ts';

/** Of every query about pictures. */
export const askedFields = {
  version: versionNumber.optional().meta({ description: 'The version to ask; not together with alias.' }),
  alias: z.string().optional().meta({ description: 'The alias to ask.', default: DEFAULT_ALIAS }),
};

export const askedQuery = queryOf(askedFields);

/** What the routes need that ask a version about images. */
export interface ImageNeeds {
  readonly images: RequestImages;
  readonly versions: WarmVersions;
  readonly targets: Targets;
  readonly withoutPlace: TextFilter;
}

const file = { type: 'string' as const, format: 'binary' };

/** What bodies of pictures may be. Raw schemas: they are read and checked by `withPictures`. */
export const picturesBody = {
  required: true,
  content: {
    'image/*': { schema: file },
    'application/octet-stream': { schema: file },
    'multipart/form-data': {
      schema: {
        type: 'object' as const,
        required: ['image'],
        properties: { image: { type: 'array' as const, items: file } },
      },
    },
    'application/json': { schema: { $ref: '#/components/schemas/PictureKeys' } },
  },
};

/** So that the reference above leads somewhere. */
export const pictureKeys = keysSchema;

export const timingsSchema = z
  .object({
    decodeAndEmbed: z.number().meta({ description: 'Seconds for all pictures, waiting included.' }),
    decide: z.number().meta({ description: 'Seconds.' }),
  })
  .openapi('Timings');

/** What every answer says, so that it can be computed again later. */
export const saidSchema = z.object({
  model: z.string(),
  version: z.int(),
  engine: z.record(z.string(), z.string()),
  timings: timingsSchema,
});

export const failedSchema = z
  .object({ image: z.string(), error: z.object({ code: z.string(), message: z.string() }) })
  .openapi('FailedPicture');

/** A picture that could not be used, beside others that could. */
export function failed(
  { image, error }: Embedded & { error: { code: string; message: string } },
  withoutPlace: TextFilter,
) {
  return { image, error: { code: error.code, message: withoutPlace(error.message) } };
}

/** The common part of an answer. */
export function said({ name, embedder }: WarmVersion): {
  model: string;
  version: number;
  engine: Record<string, string>;
} {
  return { ...name, engine: { ...embedder.engine } };
}
