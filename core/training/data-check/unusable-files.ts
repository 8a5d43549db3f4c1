import { ofProblem } from './check.ts';
import type { Check } from './check.ts';

export const unusableFiles: Check = {
  name: 'unusable-files',
  title: 'Unusable files',
  severity: 'repair',
  suggestion: 'convert or remove each file; it is left out until then',
  find: ({ problems }) =>
    problems
      .filter(({ problem: { kind } }) => !kind.startsWith('duplicate') && kind !== 'litter')
      .map(ofProblem),
};
