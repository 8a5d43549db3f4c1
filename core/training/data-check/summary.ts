import type { CheckResult, DataCheck } from './finding.ts';
import { unusableFiles } from './unusable-files.ts';

/** Findings that are named of each check; "kindred datasets check" names more. */
const NAMED = 3;

/** A few lines for people: what was found, what has to be repaired first. */
export function summaryOf(check: DataCheck): string[] {
  const found = check.results.filter(({ count }) => count > 0);
  return [`Looked at ${lookedAt(check)}: ${outcome(found)}`, ...found.flatMap(linesOf)];
}

function lookedAt({ pictures, classes, testPictures }: DataCheck): string {
  const test = testPictures === null ? '' : ` and ${counted(testPictures, 'test picture')}`;
  return `${counted(pictures, 'picture')} of ${counted(classes, 'class', 'es')}${test}`;
}

function outcome(found: readonly CheckResult[]): string {
  const sum = (severity: CheckResult['severity']): number =>
    found.filter((each) => each.severity === severity).reduce((total, { count }) => total + count, 0);
  const [repairs, advice] = [sum('repair'), sum('advice')];
  if (repairs + advice === 0) return 'nothing is wrong with them that could be seen.';
  return [repairs > 0 ? `${repairs} to repair` : '', advice > 0 ? `${advice} to look at` : '']
    .filter((part) => part !== '')
    .join(', ');
}

function linesOf({ check, title, count, findings, suggestion }: CheckResult): string[] {
  // The scan has named each of them.
  if (check === unusableFiles.name) return [`  ${title}: ${count}`];

  const named = findings.slice(0, NAMED).map(({ message }) => `    ${message}`);
  const rest = count - named.length;
  return [
    `  ${title}: ${count}`,
    ...named,
    ...(rest > 0 ? [`    and ${rest} more`] : []),
    `    (${suggestion})`,
  ];
}

function counted(count: number, noun: string, plural = 's'): string {
  return `${count} ${noun}${count === 1 ? '' : plural}`;
}
