import type { Command } from 'commander';
import type { OpenedVersion } from '../../core/registry/open-version.ts';
import type { Baseline, Evaluation } from '../../core/training/evaluation/index.ts';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { percent } from '../output/format.ts';
import { table } from '../output/table.ts';
import { requireOneSpelling } from '../../core/spelling.ts';
import type { Terminal } from '../output/terminal.ts';
import type { EmbeddedDataSet } from '../pictures/embed-data-set.ts';

interface Flags extends CommonFlags {
  readonly svg?: string;
  readonly unknown?: string;
}

/** `kindred evaluate DATASET`: how often a version is right, and which classes it takes for which. */
export function evaluateCommand(): Command {
  return command('evaluate', 'measure a version on labelled pictures', { model: ASKED_MODEL })
    .argument(
      '<dataset>',
      'a folder or s3://BUCKET/PREFIX with <class>/<file>, or a data set in the registry',
    )
    .option('--svg <file>', 'write the confusion between classes as a picture')
    .option('--unknown <dataset>', 'pictures of none of the classes: how well are they told apart?')
    .action(async (dataSet: string, flags: Flags) => {
      const context = contextOf(flags);
      const { terminal } = context;
      const { embedDataSet, embedScanned, scanAnyDataSet } = await import('../pictures/embed-data-set.ts');
      const { loadVersion } = await import('../version.ts');
      const { measureUnknown, printUnknown } = await import('../evaluate-unknown.ts');
      const { evaluateWithAnswers, confusionSvg } = await import('../../core/training/evaluation/index.ts');
      const { printAccuracy } = await import('../training/report.ts');
      const loaded = await loadVersion(context, flags.model);
      const scanned = await scanAnyDataSet(context, dataSet);
      requireOneSpelling(
        [...loaded.gallery.classes, ...scanned.classes],
        'With the gallery, what is to be measured',
      );
      const queries = await embedScanned(context, loaded.embedder, scanned);
      tellKnown(terminal, queries, loaded);
      const rule = loaded.calibration?.rule ?? 'nearest';
      const { evaluation, answers } = evaluateWithAnswers(queries, loaded.gallery, rule);
      const { besideBackbone } = await import('../pictures/baseline.ts');
      const beside = await besideBackbone(context, loaded, scanned, queries, answers);
      const unknown =
        flags.unknown === undefined
          ? undefined
          : measureUnknown(loaded, answers, await embedDataSet(context, loaded.embedder, flags.unknown));
      if (flags.svg !== undefined) {
        const { writeResult } = await import('../output/file.ts');
        const title = `${loaded.model}@${loaded.version} on ${dataSet}`;
        await writeResult(flags.svg, confusionSvg(evaluation.confusion, { title }));
      }
      terminal.json({
        model: loaded.model,
        version: loaded.version,
        engine: loaded.embedder.engine,
        ...evaluation,
        baseline: beside.baseline,
        ...(beside.baseline === null ? { baselineMissing: beside.reason } : {}),
        ...(unknown === undefined ? {} : { unknown }),
      });
      printAccuracy(terminal, { ...evaluation, baseline: beside.baseline });
      if (beside.baseline === null) {
        terminal.note(`Without the untrained backbone beside it: ${beside.reason}.`);
      }
      printRetrieval(terminal, evaluation, beside.baseline);
      if (unknown !== undefined) printUnknown(terminal, unknown);
    });
}

/** A picture that the gallery holds answers itself. */
function tellKnown(terminal: Terminal, { sha256 }: EmbeddedDataSet, { gallery }: OpenedVersion): void {
  const held = new Set(gallery.sha256);
  const known = sha256.filter((sum) => held.has(sum)).length;
  if (known === 0) return;
  terminal.note(
    `${known} of these ${sha256.length} pictures are in the gallery themselves: the accuracy looks better than it is.`,
  );
}

function printRetrieval(
  terminal: Terminal,
  { recallAt, precisionAt, mapAtR }: Evaluation,
  baseline: Baseline | null,
): void {
  const recallOf = (of: Pick<Evaluation, 'recallAt'>, k: string): string =>
    percent(of.recallAt[Number(k) as keyof typeof recallAt]);
  const ranks = Object.keys(recallAt).map((k) => [
    k,
    recallOf({ recallAt }, k),
    percent(precisionAt[Number(k) as keyof typeof precisionAt]),
    ...(baseline === null ? [] : [recallOf(baseline, k)]),
  ]);
  const titles = ['K', 'RECALL@K', 'PRECISION@K', ...(baseline === null ? [] : ['RECALL@K UNTRAINED'])];
  const columns = titles.map((title) => ({ title, align: 'right' as const }));
  terminal.print(`\n${table(columns, ranks).trimEnd()}`);
  if (mapAtR === null) return;
  const untrained =
    baseline === null || baseline.mapAtR === null ? '' : `, untrained ${baseline.mapAtR.toFixed(4)}`;
  terminal.print(`MAP@R ${mapAtR.toFixed(4)}${untrained}`);
}
