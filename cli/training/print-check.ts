import type { CheckResult, DataCheck, Finding } from '../../core/training/data-check/index.ts';
import { escapeText } from '../output/escape.ts';
import { count, counted } from '../output/format.ts';
import { table } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Findings of a check that are printed; --json gives more. */
const SHOWN = 20;

/** How many of what was found, then each with what to do. */
export function printCheck(terminal: Terminal, check: DataCheck): void {
  const { pictures, classes, testPictures, results } = check;
  const test = testPictures === null ? '' : `, ${counted(testPictures, 'test image')}`;
  terminal.print(`${counted(pictures, 'image')} in ${counted(classes, 'class', 'classes')}${test}\n`);
  const columns = [{ title: 'CHECK' }, { title: 'FOUND', align: 'right' as const }, { title: '' }];
  const rows = results.map((result) => [result.title, found(result), verdict(result)]);
  terminal.print(table(columns, rows).trimEnd());
  for (const result of results) if (result.count > 0) printResult(terminal, result);
}

/** Whether the command is to fail. */
export function isFaulty({ results }: DataCheck, strict: boolean): boolean {
  return results.some((result) => result.count > 0 && (strict || result.severity === 'repair'));
}

const found = (result: CheckResult): string => (result.skipped === null ? count(result.count) : '-');

function verdict({ count: number, severity, skipped }: CheckResult): string {
  if (skipped !== null) return skipped;
  if (number === 0) return '';
  return severity === 'repair' ? 'to repair' : 'to review';
}

function printResult(terminal: Terminal, { title, suggestion, findings, count: number }: CheckResult): void {
  const lines = findings.slice(0, SHOWN).flatMap(linesOf);
  const rest = number - Math.min(number, SHOWN);
  const more = rest === 0 ? [] : [`  and ${count(rest)} more`];
  terminal.print(`\n${terminal.style.bold(title)}: ${suggestion}`);
  terminal.print(escapeText([...lines, ...more].join('\n')));
}

function linesOf({ message, evidence }: Finding): string[] {
  return [`  ${message}`, ...evidence.map(({ key }) => `      ${JSON.stringify(key)}`)];
}
