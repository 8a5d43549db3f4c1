import type { Report, TrainingProgress } from '../../core/training/progress.ts';
import { counted, decimal, duration, percent } from '../output/format.ts';
import { progressOn, timeLeft } from '../output/progress.ts';
import type { Progress } from '../output/progress.ts';
import type { Terminal } from '../output/terminal.ts';

type Of<P extends TrainingProgress['phase']> = Extract<TrainingProgress, { readonly phase: P }>;

/** Prints what a training tells: one line that moves along on a terminal, and a line for every epoch. */
export function trainingReport(terminal: Terminal): { readonly report: Report; readonly end: () => void } {
  let label = '';
  let progress: Progress | undefined;
  const begun: { training?: Start } = {};

  const show = (next: string, done: number, total: number, detail?: string): void => {
    if (next !== label) {
      progress?.end();
      progress = progressOn(terminal, next);
      label = next;
    }
    progress?.update(done, total, detail);
  };
  const line = (text: string): void => terminal.note(text);

  const report: Report = (told) => {
    switch (told.phase) {
      case 'features':
        return show('features', told.done, told.total);
      case 'mining':
        return line(`${counted(told.triplets, 'triplet')} chosen in ${duration(told.seconds)}`);
      case 'training': {
        const { done, total } = batchesOf(told);
        begun.training ??= { at: Date.now(), epoch: told.epoch - 1 };
        return show('training', done, total, `epoch ${told.epoch}/${told.epochs}  ${losses(told)}`);
      }
      case 'epoch':
        return line(epochLine(told, begun.training));
      case 'embedding':
        return show(`embedding the ${told.part} pictures`, told.done, told.total);
      case 'publishing':
        return line('publishing');
      case 'note':
        return line(told.text);
    }
  };
  return { report, end: () => progress?.end() };
}

function batchesOf({ epoch, epochs, batch, batches }: Of<'training'>): { done: number; total: number } {
  return { done: (epoch - 1) * batches + batch, total: epochs * batches };
}

function losses({ loss, active }: { readonly loss: number; readonly active: number }): string {
  return `loss ${decimal(loss)}  active ${percent(active)}`;
}

/** When the first batch of this process was done, and how many epochs had been by then. */
interface Start {
  readonly at: number;
  readonly epoch: number;
}

/** The time left is that of all epochs there may be; a recipe may find that it is enough before. */
function epochLine(told: Of<'epoch'>, start: Start | undefined): string {
  const { epoch, epochs, validationLoss, validationAccuracy } = told;
  const seconds = start === undefined ? told.seconds : (Date.now() - start.at) / 1000;
  const done = start === undefined ? 1 : epoch - start.epoch;
  return [
    `epoch ${epoch}/${epochs}`,
    losses(told),
    validationLoss === null ? '' : `validation loss ${decimal(validationLoss)}`,
    validationAccuracy === null ? '' : `validation accuracy ${percent(validationAccuracy)}`,
    duration(told.seconds),
    timeLeft(Math.max(seconds, 1), done, epochs - epoch),
  ]
    .filter((part) => part !== '')
    .join('  ');
}
