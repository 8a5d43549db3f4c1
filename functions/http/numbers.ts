/** Numbers in paths and queries: digits there, numbers in handlers and in the OpenAPI document. */
import { z } from '@hono/zod-openapi';

/** A whole number in decimal digits. */
export const whole = (least: number, most: number) =>
  z
    .string()
    .refine(
      (text) => /^(?:0|[1-9]\d{0,14})$/.test(text) && Number(text) >= least && Number(text) <= most,
      `a whole number from ${least} to ${most}`,
    )
    .transform(Number)
    .openapi({ type: 'integer', minimum: least, maximum: most });

/** A decimal number of at least 0, without exponent. */
export const nonNegative = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,12})?$/, 'a number of at least 0')
  .transform(Number)
  .openapi({ type: 'number', minimum: 0 });

export const versionNumber = whole(1, 999_999_999).meta({ example: 1 });

/** How many entries a page has. */
export const pageLimit = whole(1, 1000).default(100).meta({ default: 100 });
