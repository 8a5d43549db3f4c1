import type { CommonFlags } from '../flags.ts';
import { UsageError } from '../usage.ts';

export interface ImportFlags extends CommonFlags {
  readonly parts?: number;
  readonly atOnce?: number;
  readonly resume?: string;
  readonly step?: 'plan' | 'embed' | 'publish';
  readonly part?: number;
  readonly threads?: number;
}

/** What the flags ask for: everything in this process, or a job in parts that is new or was begun. */
export type ImportWay =
  | { readonly kind: 'whole'; readonly dataSet: string }
  | { readonly kind: 'new'; readonly dataSet: string; readonly parts: number }
  | { readonly kind: 'begun'; readonly job: string };

/** @throws UsageError when they do not go together */
export function checkImportFlags(dataSet: string | undefined, flags: ImportFlags): ImportWay {
  const { parts, atOnce, resume, step, part, model } = flags;
  if ((step === 'embed') !== (part !== undefined)) {
    throw new UsageError('--step embed and --part belong together: which part is to be embedded.');
  }
  if (resume !== undefined) {
    if (dataSet !== undefined || parts !== undefined || model !== undefined) {
      throw new UsageError(
        'An import that was begun knows its data set, its model and its parts: leave them away with --resume.',
      );
    }
    return { kind: 'begun', job: resume };
  }
  if (dataSet === undefined) {
    throw new UsageError('Name the data set to import: a folder with one folder a class.');
  }
  if (step !== undefined && step !== 'plan') {
    throw new UsageError(`--step ${step} is a step of an import that was planned: name it with --resume.`);
  }
  if (parts !== undefined) return { kind: 'new', dataSet, parts };
  if (atOnce !== undefined || step !== undefined) {
    throw new UsageError('--at-once and --step are for imports in parts: say how many with --parts.');
  }
  return { kind: 'whole', dataSet };
}
