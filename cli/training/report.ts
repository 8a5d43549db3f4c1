import type { TrainingResult } from '../../core/jobs/result.ts';
import { confusionTable } from '../../core/training/evaluation/confusion-table.ts';
import type { Evaluation } from '../../core/training/evaluation/index.ts';
import type { StoredEvaluation } from '../../core/registry/evaluation.ts';
import type { Context } from '../context.ts';
import { counted, duration, percent } from '../output/format.ts';
import { escapeText } from '../output/escape.ts';
import { pointsText } from '../output/points.ts';
import type { Terminal } from '../output/terminal.ts';
import { registryFlag } from '../output/shell.ts';
import { printBaseline } from './baseline.ts';

/** The result of a training: what was made, how good it is, and what to do with it. */
export function printTraining(context: Context, result: TrainingResult): void {
  const { terminal } = context;
  const { evaluation, calibration, ...told } = result;
  terminal.json(told);
  terminal.print(`Made ${result.model}@${result.version} (${result.recipe}) in ${duration(result.seconds)}.`);
  if (evaluation !== null) printAccuracy(terminal, evaluation);
  terminal.print(`\n${pointsText(calibration)}\n`);
  printPromotion(terminal, result);
  terminal.print(nextSteps(context, result));
}

/** Says so when the version was to go live and does not. */
export function printPromotion(
  { print, style }: Terminal,
  { model, version, gate, promoted }: TrainingResult,
): void {
  if (promoted || gate === null) return;
  print(
    `${style.bold('Published, but not promoted')}: ${model}@production stays at version ${gate.against}. Version ${version}: ${gate.reason}.\n`,
  );
}

type Judged = Pick<
  Evaluation,
  'images' | 'accuracy' | 'accuracyInterval' | 'macroAccuracy' | 'confusion' | 'missingClasses'
> &
  Pick<StoredEvaluation, 'baseline'>;

/** Accuracy with its interval, the untrained backbone beside it, and which classes were taken for which. */
export function printAccuracy(terminal: Terminal, evaluation: Judged): void {
  const { accuracy, accuracyInterval, macroAccuracy, images, confusion, missingClasses } = evaluation;
  const { low, high } = accuracyInterval;
  const right = Math.round(accuracy * images);
  terminal.print(
    `${terminal.style.bold(`Accuracy ${percent(accuracy)}`)}: ${right} of ${counted(images, 'test picture')} right ` +
      `(95 % interval ${percent(low)} to ${percent(high)}; mean of the classes ${percent(macroAccuracy)}).`,
  );
  if (evaluation.baseline) printBaseline(terminal, evaluation.baseline);
  if (missingClasses.length > 0) {
    terminal.note(
      `Not in the gallery, so never right: ${missingClasses.map((name) => JSON.stringify(name)).join(', ')}`,
    );
  }
  terminal.print(`\n${escapeText(confusionTable(confusion, terminal.columns)).trimEnd()}`);
}

/** What it takes to promote a version that was refused. */
function forceOf(gate: TrainingResult['gate']): string {
  return gate?.outcome === 'worse' || gate?.outcome === 'blocked' ? ' --force' : '';
}

function nextSteps({ registryUri }: Context, { model, version, promoted, gate }: TrainingResult): string {
  const registry = registryFlag(registryUri);
  const reference = promoted ? model : `${model}@${version}`;
  const steps = [
    [`kindred classify IMAGE --model ${reference}${registry}`, 'tell the class of a picture'],
    [
      `kindred models report ${model}@${version}${registry}`,
      'see how good it is, with its mistakes as pictures',
    ],
    [`kindred models show ${model}@${version}${registry}`, 'see what was made'],
    ...(promoted
      ? []
      : [
          [
            `kindred models promote ${model}@${version}${forceOf(gate)}${registry}`,
            'let this version answer',
          ],
        ]),
  ];
  const width = Math.max(...steps.map(([command = '']) => command.length));
  const lines = steps.map(([command = '', what = '']) => `  ${command.padEnd(width)}   ${what}`);
  return `Next:\n${lines.join('\n')}`;
}
