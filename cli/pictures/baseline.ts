import type { DataSet, Picture } from '../../core/images/dataset.ts';
import { readBaseline } from '../../core/registry/baseline.ts';
import type { OpenedVersion } from '../../core/registry/open-version.ts';
import { storedImage } from '../../core/registry/kept-images.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { evaluateBaseline } from '../../core/training/evaluation/index.ts';
import type { Answer, BackboneFeatures, Baseline } from '../../core/training/evaluation/index.ts';
import type { Context } from '../context.ts';
import { MissingDependencyError } from '../../core/errors.ts';
import { requireBackbone } from '../training/run.ts';
import { embedScanned } from './embed-data-set.ts';
import type { EmbeddedDataSet } from './embed-data-set.ts';

/** How the untrained backbone did beside a version, or why that cannot be told. */
export type BesideBackbone =
  { readonly baseline: Baseline } | { readonly baseline: null; readonly reason: string };

/** Asks the untrained backbone for the same pictures; the version keeps what it needs to know of its gallery for that. */
export async function besideBackbone(
  context: Context,
  loaded: OpenedVersion,
  dataSet: DataSet,
  queries: EmbeddedDataSet,
  answers: readonly Answer[],
): Promise<BesideBackbone> {
  const registry = await context.registry();
  const kept = await readBaseline(registry, loaded);
  if (kept === null) {
    return without('the version is of an earlier Kindred that kept no features for that; train it again');
  }
  if (kept.embedder?.version !== context.backbone.id) {
    return without(
      `the version was made with the weights ${kept.embedder?.version}, and here are ${context.backbone.id}`,
    );
  }
  try {
    requireBackbone(context);
  } catch (error) {
    if (error instanceof MissingDependencyError) return without(error.message);
    throw error;
  }
  const { loadBackbone } = await import('../backbone.ts');
  const backbone = loadBackbone(context, loaded.embedder.preprocessing);
  try {
    const byBackbone = `${dataSet.name} by the untrained backbone`;
    const asked = await embedScanned(context, backbone, { ...dataSet, name: byBackbone });
    const later = await picturesOfLater(registry, loaded, [kept, asked]);
    const name = 'later pictures of the gallery by the untrained backbone';
    const added =
      later.length === 0 ? [] : [await embedScanned(context, backbone, { name, pictures: later })];
    const features = [kept, asked, ...added];
    const { gallery, calibration } = loaded;
    if (!gallery.sha256.some((sum) => features.some(({ sha256 }) => sha256.includes(sum)))) {
      return without('of none of the pictures in its gallery the features are known');
    }
    const rule = calibration?.rule ?? 'nearest';
    return { baseline: evaluateBaseline({ queries, gallery, rule, answers, features }) };
  } finally {
    backbone.dispose();
  }
}

/** Images that came into the gallery after the version was made, as far as they are stored. */
async function picturesOfLater(
  { store }: Registry,
  { contents }: OpenedVersion,
  features: readonly BackboneFeatures[],
): Promise<Picture[]> {
  const known = new Set(features.flatMap(({ sha256 }) => sha256));
  const pictures: Picture[] = [];
  for (const image of contents.images) {
    if (known.has(image.sha256)) continue;
    known.add(image.sha256);
    const picture = await storedImage(store, image);
    if (picture !== null) pictures.push(picture);
  }
  return pictures;
}

const without = (reason: string): BesideBackbone => ({ baseline: null, reason });
