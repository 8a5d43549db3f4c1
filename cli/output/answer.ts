import type { Decision } from '../../core/gallery/decision.ts';
import { escapeLine } from './escape.ts';
import { decimal, percent } from './format.ts';
import type { Terminal } from './terminal.ts';

export interface Answered extends Decision {
  readonly image: string;
}

/** One picture's answer: its class in the first line, its nearest relatives below. `actual`: what it is, where that is known. */
export function printAnswer({ print, style }: Terminal, answer: Answered, actual?: string): void {
  const { class: name, known, confidence, distance, threshold } = answer;
  const verdict = known === false ? `unknown, nearest is ${escapeLine(name)}` : escapeLine(name);
  const details = [
    `distance ${decimal(distance)}`,
    threshold === null ? '' : `known up to ${decimal(threshold)}`,
    confidence === null ? '' : `confidence ${percent(confidence)}`,
  ].filter((part) => part !== '');
  const judged =
    actual === undefined
      ? ''
      : actual === name
        ? style.good('  right')
        : style.bad(`  wrong: it is ${escapeLine(actual)}`);
  print(
    `${escapeLine(answer.image)}: ${style.bold(verdict)}${judged}  ${style.dim(`(${details.join(', ')})`)}`,
  );
  for (const neighbour of answer.neighbours) {
    print(
      `  ${decimal(neighbour.distance).padStart(9)}  ${escapeLine(neighbour.class)}  ${style.dim(escapeLine(neighbour.key))}`,
    );
  }
}
