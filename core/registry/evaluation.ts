/** The file `evaluation.json` of a version: what was measured when it was made, and where its thresholds are. */
import { z } from 'zod';
import { parseCalibration } from '../gallery/calibration.ts';
import type { Calibration } from '../gallery/calibration.ts';
import { parseDocument } from './documents.ts';
import { versionPrefix } from './layout.ts';
import type { Registry, Resolved } from './registry.ts';

const EVALUATION_FILE = 'evaluation.json';

type Version = Pick<Resolved, 'model' | 'version'>;

const interval = z.object({ low: z.number(), high: z.number() });
const baselineSchema = z.object({
  images: z.int(),
  accuracy: z.number(),
  accuracyInterval: interval,
  macroAccuracy: z.number(),
  galleryPictures: z.int(),
  galleryPicturesLeftOut: z.int(),
  modelAccuracy: z.number(),
  difference: z.object({
    difference: z.number(),
    interval,
    p: z.number(),
    onlyModel: z.int(),
    onlyBaseline: z.int(),
  }),
});

/** What of an evaluation is shown of a version later; the file has more. */
const evaluationSchema = z.object({
  images: z.int(),
  accuracy: z.number(),
  accuracyInterval: interval,
  macroAccuracy: z.number(),
  confusion: z.object({ labels: z.array(z.string()), counts: z.array(z.array(z.int())) }),
  missingClasses: z.array(z.string()),
  /** The untrained backbone on the same pictures; versions of earlier Kindreds have none. */
  baseline: baselineSchema.nullish(),
});
export type StoredEvaluation = z.infer<typeof evaluationSchema>;

/** What was measured, or null where there was nothing to measure on. @throws CorruptDataError */
export async function readEvaluation(registry: Registry, version: Version): Promise<StoredEvaluation | null> {
  const schema = z.object({ evaluation: evaluationSchema.nullable() });
  return (await read(registry, version, schema)).evaluation;
}

/** The thresholds, or null where there were too few pictures for any. @throws CorruptDataError */
export async function readCalibration(registry: Registry, version: Version): Promise<Calibration | null> {
  const { calibration } = await read(registry, version, z.object({ calibration: z.unknown() }));
  return parseCalibration(calibration ?? null, keyOf(version));
}

async function read<T>(registry: Registry, version: Version, schema: z.ZodType<T>): Promise<T> {
  const bytes = await registry.file(version.model, version.version, EVALUATION_FILE);
  return parseDocument(bytes, keyOf(version), schema);
}

const keyOf = ({ model, version }: Version): string => `${versionPrefix(model, version)}${EVALUATION_FILE}`;
