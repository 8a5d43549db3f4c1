import { z } from 'zod';
import type { Embedder } from '../core/embedding/embedder.ts';
import { CorruptDataError } from '../core/errors.ts';
import { readGallery, readSegment } from '../core/gallery/arrow.ts';
import { parseCalibration } from '../core/gallery/calibration.ts';
import type { Calibration } from '../core/gallery/calibration.ts';
import type { Gallery } from '../core/gallery/gallery.ts';
import { applySegments } from '../core/gallery/segments.ts';
import type { Resolved } from '../core/registry/registry.ts';
import type { Context } from './context.ts';
import { chosenVersion } from './models.ts';

/** A version without its network: what it knows, and how sure it may be. */
export interface OpenedGallery extends Resolved {
  /** With everything that was added and removed since. */
  readonly gallery: Gallery;
  readonly calibration: Calibration | null;
}

/** A version that answers. */
export interface LoadedVersion extends OpenedGallery {
  readonly embedder: Embedder;
}

/** Opens the gallery of the version that is named, or of the only model's in production. */
export async function openGallery(context: Context, reference: string | undefined): Promise<OpenedGallery> {
  const resolved = await chosenVersion(context, reference);
  const registry = await context.registry();
  const { model, version } = resolved;
  const published = readGallery(await registry.file(model, version, 'gallery.arrow'));
  const ids = await registry.segments(model, version);
  const segments = await Promise.all(
    ids.map(async (id) => readSegment(await registry.segment(model, version, id), id)),
  );
  const calibration = await calibrationOf(context, resolved);
  return { ...resolved, gallery: applySegments(published, segments), calibration };
}

/** The same with the network that makes its embeddings. */
export async function loadVersion(context: Context, reference: string | undefined): Promise<LoadedVersion> {
  const opened = await openGallery(context, reference);
  const registry = await context.registry();
  const [model, weights] = [
    await registry.file(opened.model, opened.version, 'network/model.json'),
    await registry.file(opened.model, opened.version, 'network/weights.bin'),
  ];
  const [{ readNetwork }, { tfjsEmbedder }] = await Promise.all([
    import('../core/network/saved-network.ts'),
    import('../core/embedding/tfjs.ts'),
  ]);
  return { ...opened, embedder: tfjsEmbedder(readNetwork(model, weights)) };
}

const stored = z.object({ evaluation: z.unknown(), calibration: z.unknown() });

async function calibrationOf(context: Context, { model, version }: Resolved): Promise<Calibration | null> {
  const { calibration } = await evaluationDocument(context, { model, version });
  return parseCalibration(calibration ?? null, nameOf(model, version));
}

const accuracySchema = z.object({
  images: z.int(),
  accuracy: z.number(),
  accuracyInterval: z.object({ low: z.number(), high: z.number() }),
  macroAccuracy: z.number(),
  confusion: z.object({ labels: z.array(z.string()), counts: z.array(z.array(z.int())) }),
  missingClasses: z.array(z.string()),
});

/** What was measured when the version was made, or null where there was nothing to measure on. */
export async function storedEvaluation(
  context: Context,
  { model, version }: Pick<Resolved, 'model' | 'version'>,
): Promise<z.infer<typeof accuracySchema> | null> {
  const parsed = accuracySchema
    .nullable()
    .safeParse((await evaluationDocument(context, { model, version })).evaluation);
  if (parsed.success) return parsed.data;
  throw new CorruptDataError(`${nameOf(model, version)} holds no valid evaluation.`, { cause: parsed.error });
}

async function evaluationDocument(
  context: Context,
  { model, version }: Pick<Resolved, 'model' | 'version'>,
): Promise<z.infer<typeof stored>> {
  const bytes = await (await context.registry()).file(model, version, 'evaluation.json');
  try {
    return stored.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw new CorruptDataError(`${nameOf(model, version)} cannot be read.`, { cause });
  }
}

const nameOf = (model: string, version: number): string => `evaluation.json of ${model}@${version}`;
