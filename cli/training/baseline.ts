import type { StoredEvaluation } from '../../core/registry/evaluation.ts';
import { counted, percent, points, probability } from '../output/format.ts';
import type { Terminal } from '../output/terminal.ts';

/** How the untrained backbone does on the same pictures, and by how much the model is better or worse. */
export function printBaseline(
  { print, style }: Terminal,
  baseline: NonNullable<StoredEvaluation['baseline']>,
): void {
  const { accuracy, accuracyInterval, images, macroAccuracy, modelAccuracy } = baseline;
  const { difference, interval, p, onlyModel, onlyBaseline } = baseline.difference;
  const { galleryPictures, galleryPicturesLeftOut: left } = baseline;
  if (left > 0) {
    print(
      `${counted(left, 'picture')} of the gallery came later and were not kept, so that the untrained backbone cannot see them. ` +
        `From the other ${galleryPictures} alone the model has ${percent(modelAccuracy)} right.`,
    );
  }
  print(
    `${style.bold(`Untrained backbone ${percent(accuracy)}`)}: ${Math.round(accuracy * images)} of ${images} ` +
      `(95 % interval ${percent(accuracyInterval.low)} to ${percent(accuracyInterval.high)}; mean of the classes ${percent(macroAccuracy)}).`,
  );
  print(
    `Difference ${points(difference)} points (95 % interval ${points(interval.low)} to ${points(interval.high)}; exact McNemar ${probability(p)}): ` +
      `${onlyModel} right only by the model, ${onlyBaseline} only by the backbone.`,
  );
}
