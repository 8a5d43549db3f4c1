import { counted } from '../../format.ts';
import type { CheckResult, DataCheck } from './finding.ts';
import { unusableFiles } from './unusable-files.ts';

/** Findings that are named of each check; "kindred datasets check" names more. */
const NAMED = 3;

/** A few lines for the terminal: what was found, what to repair first. */
export function summaryOf(check: DataCheck): string[] {
  const found = check.results.filter(({ count }) => count > 0);
  return [`Checked ${checked(check)}: ${outcome(found)}`, ...found.flatMap(linesOf)];
}

function checked({ pictures, classes, testPictures }: DataCheck): string {
  const test = testPictures === null ? '' : ` and ${counted(testPictures, 'test image')}`;
  return `${counted(pictures, 'image')} in ${counted(classes, 'class', 'classes')}${test}`;
}

function outcome(found: readonly CheckResult[]): string {
  const sum = (severity: CheckResult['severity']): number =>
    found.filter((each) => each.severity === severity).reduce((total, { count }) => total + count, 0);
  const [repairs, advice] = [sum('repair'), sum('advice')];
  if (repairs + advice === 0) return 'no problems found.';
  return [repairs > 0 ? `${repairs} to repair` : '', advice > 0 ? `${advice} to review` : '']
    .filter((part) => part !== '')
    .join(', ');
}

function linesOf({ check, title, count, findings, suggestion }: CheckResult): string[] {
  // The scan has listed each of them.
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
