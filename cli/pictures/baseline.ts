import type { DataSet } from '../../core/images/dataset.ts';
import { readBaseline } from '../../core/registry/baseline.ts';
import type { OpenedVersion } from '../../core/registry/open-version.ts';
import { evaluateBaseline } from '../../core/training/evaluation/index.ts';
import type { Answer, Baseline } from '../../core/training/evaluation/index.ts';
import type { Context } from '../context.ts';
import { MissingDependencyError } from '../../core/errors.ts';
import { backboneId, requireBackbone } from '../training/run.ts';
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
  const kept = await readBaseline(await context.registry(), loaded);
  if (kept === null) {
    return without('the version is of an earlier Kindred that kept no features for that; train it again');
  }
  if (kept.embedder?.version !== backboneId(context)) {
    return without(
      `the version was made with the weights ${kept.embedder?.version}, and here are ${backboneId(context)}`,
    );
  }
  try {
    requireBackbone(context);
  } catch (error) {
    if (error instanceof MissingDependencyError) return without(error.message);
    throw error;
  }
  if (!loaded.gallery.sha256.some((sum) => kept.sha256.includes(sum))) {
    return without('none of the pictures that the version was published with is in its gallery any more');
  }
  const { loadBackbone } = await import('../backbone.ts');
  const backbone = loadBackbone(context, loaded.embedder.preprocessing);
  const name = `${dataSet.name} by the untrained backbone`;
  const asked = await embedScanned(context, backbone, { ...dataSet, name });
  backbone.dispose();
  const { gallery, calibration } = loaded;
  const rule = calibration?.rule ?? 'nearest';
  return { baseline: evaluateBaseline({ queries, gallery, rule, answers, features: [kept, asked] }) };
}

const without = (reason: string): BesideBackbone => ({ baseline: null, reason });
