/** Which version a request is about, and what the answers about pictures have in common. */
import { z } from '@hono/zod-openapi';
import { InvalidInputError } from '../../core/errors.ts';
import { DEFAULT_ALIAS, checkName } from '../../core/registry/names.ts';
import type { Deps } from '../deps.ts';
import { versionNumber } from '../http/numbers.ts';
import { queryOf } from '../http/router.ts';
import { keysSchema, type Embedded } from '../http/pictures.ts';
import { OnlyModel } from '../versions/only-model.ts';
import type { WarmVersion } from '../versions/warm-version.ts';
import type { Asked } from '../versions/warm-versions.ts';

/** Of every query about pictures. */
export const askedFields = {
  version: versionNumber.optional().meta({ description: 'The version to ask; not together with alias.' }),
  alias: z.string().optional().meta({ description: 'The alias to ask.', default: DEFAULT_ALIAS }),
};

export const askedQuery = queryOf(askedFields);

/** @throws InvalidInputError; NotFoundError when no model is named and there is not exactly one */
export async function askedOf(
  { registry, model: usual }: Deps,
  named: string | undefined,
  { version, alias }: z.infer<typeof askedQuery>,
): Promise<Asked> {
  if (version !== undefined && alias !== undefined) {
    throw new InvalidInputError('The query has a version and an alias; name one of them.');
  }
  const model = named ?? usual ?? (await onlyModel(registry));
  checkName(model, 'model');
  if (version !== undefined) return { model, version };
  checkName(alias ?? DEFAULT_ALIAS, 'alias');
  return { model, alias: alias ?? DEFAULT_ALIAS };
}

const onlyModels = new WeakMap<Deps['registry'], OnlyModel>();

function onlyModel(registry: Deps['registry']): Promise<string> {
  const only = onlyModels.get(registry) ?? new OnlyModel(registry);
  onlyModels.set(registry, only);
  return only.name();
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
  { withoutPlace }: Pick<Deps, 'withoutPlace'>,
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
