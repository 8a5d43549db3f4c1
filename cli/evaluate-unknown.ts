import type { Labelled } from '../core/gallery/gallery.ts';
import { embeddingAt } from '../core/gallery/gallery.ts';
import { createDecider } from '../core/gallery/decision.ts';
import { createSearch } from '../core/gallery/search.ts';
import type { OpenedGallery } from '../core/registry/open-version.ts';
import { evaluateUnknown } from '../core/training/evaluation/index.ts';
import type { Answer, UnknownEvaluation } from '../core/training/evaluation/index.ts';
import { counted, percent } from './output/format.ts';
import { pointsTable } from './output/points.ts';
import type { Terminal } from './output/terminal.ts';

/** How well a version tells the pictures that were answered from pictures of no class. */
export function measureUnknown(
  { gallery, calibration }: OpenedGallery,
  answers: readonly Answer[],
  strangers: Labelled,
): UnknownEvaluation {
  const decide = createDecider(createSearch(gallery), { calibration, top: 1 });
  const unknown = strangers.keys.map((_, row) => ({
    distance: decide(embeddingAt(strangers, row)).distance,
    class: strangers.classes[row] ?? '',
  }));
  const known = answers.map(({ class: own, predicted, distance }) => ({
    distance,
    right: own === predicted,
  }));
  return evaluateUnknown(known, unknown, calibration);
}

/** Areas, and what the operating points give on these pictures. */
export function printUnknown(terminal: Terminal, unknown: UnknownEvaluation): void {
  const { images, auroc, falseAcceptanceAt95, oscr, points } = unknown;
  terminal.print(
    `\n${counted(images, 'picture')} of no class: AUROC ${auroc.toFixed(4)}, open-set rate ${oscr.toFixed(4)}; ` +
      `${percent(falseAcceptanceAt95)} are called known where 95 % of the known ones are.`,
  );
  if (points !== null) terminal.print(pointsTable(points, 'UNKNOWN').trimEnd());
}
