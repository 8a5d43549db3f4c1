import { fitText, textWidth } from '../../core/training/evaluation/text-width.ts';
import type { Decision } from '../../core/gallery/decision.ts';
import { escapeLine } from './escape.ts';
import { decimal, percent } from './format.ts';
import type { Style, Terminal } from './terminal.ts';

export interface Answered extends Decision {
  readonly image: string;
}

/** One picture's answer: its class in the first line, its nearest relatives below. `actual`: what it is, where that is known. */
export function printAnswer({ print, style }: Terminal, answer: Answered, actual?: string): void {
  const judged =
    actual === undefined
      ? ''
      : actual === answer.class
        ? style.good('  right')
        : style.bad(`  wrong: it is ${escapeLine(actual)}`);
  const details = style.dim(`(${detailsOf(answer).join(', ')})`);
  print(`${escapeLine(answer.image)}: ${verdictOf(answer, style)}${judged}  ${details}`);
  printNeighbours({ print, style }, answer);
}

/** What stands in the place of an answer. */
export function printUnreadable({ print, style }: Terminal, image: string, error: string): void {
  print(`${escapeLine(image)}: ${style.bad('no answer')}: ${escapeLine(error)}`);
}

function verdictOf({ class: name, known, distance, threshold }: Decision, style: Style): string {
  if (known !== false || threshold === null) return style.bold(escapeLine(name));
  const nearest = `nearest is ${escapeLine(name)} at ${decimal(distance)} > ${decimal(threshold)}`;
  return `${style.bold('unknown')}: ${nearest}`;
}

/** What a class's distance is to, where that is not the picture that is named beside it. */
const MEASURED_TO: Record<Decision['rule'], string> = {
  nearest: '',
  'k-nearest': ' to its 3 nearest on average',
  'class-mean': ' to its mean',
};

function detailsOf({ known, distance, rule, threshold, margin, confidence }: Decision): string[] {
  return [
    known === false ? '' : `distance ${decimal(distance)}${MEASURED_TO[rule]}`,
    known === false ? '' : threshold === null ? 'no threshold' : `known up to ${decimal(threshold)}`,
    margin === null ? 'no other class' : `margin ${decimal(margin)}`,
    confidence === null ? '' : `confidence ${percent(confidence)}`,
  ].filter((part) => part !== '');
}

/** A row a class, nearest first: its distance by the rule, its name, and its picture that is nearest. */
function printNeighbours(
  { print, style }: Pick<Terminal, 'print' | 'style'>,
  { neighbours }: Pick<Decision, 'neighbours'>,
): void {
  const names = neighbours.map((neighbour) => fitText(escapeLine(neighbour.class), WIDEST));
  const width = Math.max(0, ...names.map(textWidth));
  for (const [i, { distance, key }] of neighbours.entries()) {
    const name = names[i] ?? '';
    const gap = ' '.repeat(width - textWidth(name) + 2);
    print(`  ${decimal(distance).padStart(9)}  ${name}${gap}${style.dim(escapeLine(key))}`);
  }
}

const WIDEST = 40;
