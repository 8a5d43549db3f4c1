import type { DoctorReport, Fact, Section } from './report.ts';

/** The report as plain text for people. */
export function reportText(report: DoctorReport): string {
  return [...report.sections.map(sectionText), problemsText(report)].join('\n');
}

function sectionText({ title, facts }: Section): string {
  const width = Math.max(0, ...Object.keys(facts).map((name) => name.length));
  const lines = Object.entries(facts).map(([name, fact]) => `  ${name.padEnd(width)}  ${factText(fact)}`);
  return `${title}\n${lines.join('\n')}\n`;
}

function factText(fact: Fact): string {
  if (fact === null) return 'not found';
  if (typeof fact === 'boolean') return fact ? 'yes' : 'no';
  if (typeof fact !== 'object') return String(fact);
  if (!('state' in fact)) return fact.join(' ') || 'none';
  return `${fact.state}, ${(fact.bytes / 1e6).toFixed(1)} MB, ${fact.path}`;
}

function problemsText({ problems }: DoctorReport): string {
  if (problems.length === 0) return 'No problem was found.';
  const lines = problems.map(
    ({ needed, what, advice }) =>
      `  ${needed ? 'broken' : 'notice'}: ${what}\n    ${advice.replaceAll('\n', '\n    ')}`,
  );
  return `Problems\n${lines.join('\n')}`;
}
