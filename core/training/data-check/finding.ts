/** What a check of the data says: plain JSON, stored with a version as data-check.json, printed and shown as it is. */
import { z } from 'zod';

const picture = z.strictObject({
  /** Which pictures it is among: those learnt from, or those judged on. */
  part: z.enum(['training', 'test']),
  /** `<class>/<file>`. */
  key: z.string(),
  class: z.string(),
});
/** A picture that a finding names. */
export type FoundPicture = Readonly<z.infer<typeof picture>>;

const finding = z.strictObject({
  /** One sentence for people, without a full stop at its end. */
  message: z.string(),
  /** What it is about, the one to look at first; empty where it is about classes. */
  pictures: z.array(picture),
  /** What shows it: of a likely wrong label the pictures that it resembles, nearest first. */
  evidence: z.array(picture),
  /** What it is about: of a likely wrong label the class it has and the one it looks like, of a pair both. */
  classes: z.array(z.string()),
  /** From 0 to 1; 1 where there is no doubt. Findings are sorted by it, surest first. */
  certainty: z.number().min(0).max(1),
});
export type Finding = Readonly<z.infer<typeof finding>>;

const result = z.strictObject({
  /** The check's name, such as `wrong-labels`. */
  check: z.string(),
  /** What it looks for, as a heading. */
  title: z.string(),
  /** `repair`: the figures of a version are wrong, or pictures are lost, unless it is repaired. `advice`: to be looked at. */
  severity: z.enum(['repair', 'advice']),
  /** What to do about it. */
  suggestion: z.string(),
  /** How many were found; `findings` holds the surest of them. */
  count: z.int(),
  findings: z.array(finding),
  /** Why it could not be looked for, or null. */
  skipped: z.string().nullable(),
});
export type CheckResult = Readonly<z.infer<typeof result>>;

export const dataCheckSchema = z.strictObject({
  /** Readable pictures that are learnt from, and their classes. */
  pictures: z.int(),
  classes: z.int(),
  /** Readable pictures that are judged on; null: there are none. */
  testPictures: z.int().nullable(),
  /** Every check in its order, also where it found nothing. */
  results: z.array(result),
});
/** The report of all checks. */
export type DataCheck = Readonly<z.infer<typeof dataCheckSchema>>;
