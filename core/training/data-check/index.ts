/** Faults of a data set, looked for before anything is learnt from it. */
export { dataCheckSchema } from './finding.ts';
export type { CheckResult, DataCheck, Finding, FoundPicture } from './finding.ts';
