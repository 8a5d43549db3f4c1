/** Checks of a dataset before training. To add a check, write its file and list it here. */
import { alikeClasses } from './alike-classes.ts';
import type { Check, Material } from './check.ts';
import { contradictions } from './contradictions.ts';
import type { CheckResult, DataCheck } from './finding.ts';
import { lowInformation } from './low-information.ts';
import { materialOf } from './material.ts';
import type { DataToCheck } from './material.ts';
import { nearDuplicates } from './near-duplicates.ts';
import { splitLeaks } from './split-leaks.ts';
import { thinClasses } from './thin-classes.ts';
import { unusableFiles } from './unusable-files.ts';
import { wrongLabels } from './wrong-labels.ts';

export { dataCheckSchema } from './finding.ts';
export { summaryOf } from './summary.ts';
export { inseparablePairs } from './near-duplicate-pairs.ts';
export type { CheckResult, DataCheck, Finding } from './finding.ts';

/** Those to be repaired first. */
const checks: readonly Check[] = [
  unusableFiles,
  contradictions,
  splitLeaks,
  wrongLabels,
  nearDuplicates,
  lowInformation,
  thinClasses,
  alikeClasses,
];

/** Findings kept of each check; the count is of all. */
const KEPT = 500;

/** Runs every check; cheap beside computing the features. */
export async function checkData(data: DataToCheck): Promise<DataCheck> {
  return runChecks(await materialOf(data));
}

function runChecks(material: Material): DataCheck {
  const learnt = material.subjects.filter(({ part }) => part === 'training');
  const judged = material.subjects.length - learnt.length;
  return {
    pictures: learnt.length,
    classes: new Set(learnt.map(({ picture }) => picture.className)).size,
    testPictures: judged === 0 ? null : judged,
    results: checks.map((check) => resultOf(check, material)),
  };
}

function resultOf(check: Check, material: Material): CheckResult {
  const { name, title, severity, suggestion } = check;
  const findings = check.find(material).toSorted((a, b) => b.certainty - a.certainty);
  return {
    check: name,
    title,
    severity,
    suggestion,
    count: findings.length,
    findings: findings.slice(0, KEPT),
    skipped: check.skipped?.(material) ?? null,
  };
}
