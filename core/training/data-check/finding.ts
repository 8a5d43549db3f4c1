/** Findings of the data check: plain JSON, stored with a version as data-check.json, printed and shown as it is. */
import { z } from 'zod';

const picture = z.strictObject({
  /** Training or test images. */
  part: z.enum(['training', 'test']),
  /** `<class>/<file>`. */
  key: z.string(),
  class: z.string(),
});
/** An image that a finding names. */
export type FoundPicture = Readonly<z.infer<typeof picture>>;

const finding = z.strictObject({
  /** One sentence for people, without a full stop at its end. */
  message: z.string(),
  /** The images concerned, the one to look at first; empty where classes are concerned. */
  pictures: z.array(picture),
  /** Of a likely wrong label, the images that it resembles, nearest first. */
  evidence: z.array(picture),
  /** The classes concerned: of a likely wrong label the actual and the likely one, of a pair both. */
  classes: z.array(z.string()),
  /** From 0 to 1. Findings are sorted by it, highest first. */
  certainty: z.number().min(0).max(1),
});
export type Finding = Readonly<z.infer<typeof finding>>;

const result = z.strictObject({
  /** The check's name, such as `wrong-labels`. */
  check: z.string(),
  /** The heading. */
  title: z.string(),
  /** `repair`: otherwise metrics are wrong or images are lost. `advice`: to be reviewed. */
  severity: z.enum(['repair', 'advice']),
  /** What to do about it. */
  suggestion: z.string(),
  /** How many were found; `findings` holds those of the highest certainty. */
  count: z.int(),
  findings: z.array(finding),
  /** Why the check could not run, or null. */
  skipped: z.string().nullable(),
});
export type CheckResult = Readonly<z.infer<typeof result>>;

export const dataCheckSchema = z.strictObject({
  /** Readable training images, and their classes. */
  pictures: z.int(),
  classes: z.int(),
  /** Readable test images; null: there are none. */
  testPictures: z.int().nullable(),
  /** Every check in order, also where it found nothing. */
  results: z.array(result),
});
/** The report of all checks. */
export type DataCheck = Readonly<z.infer<typeof dataCheckSchema>>;
