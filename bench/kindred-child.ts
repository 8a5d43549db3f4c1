import { readFile } from 'node:fs/promises';
import { forward } from './kindred-forward.ts';
import type { ForwardWork } from './kindred-forward.ts';
import { kindredSide as kindred } from './kindred-side.ts';
import type { EpochWork, StepWork } from './kindred-step.ts';
import { readFeatures } from './work.ts';
import type { Plan, WorkFiles } from './work.ts';

/** What the bench passes to a child process, as one JSON argument. */
export type ChildWork =
  | { readonly kind: 'forward'; readonly work: ForwardWork }
  | { readonly kind: 'epoch'; readonly work: EpochWork }
  | {
      readonly kind: 'step';
      readonly work: Omit<StepWork, 'features' | 'batches' | 'margin'>;
      readonly files: WorkFiles;
    };

async function measure(child: ChildWork): Promise<object> {
  if (child.kind === 'forward') return forward(child.work);
  if (child.kind === 'epoch') return kindred.mineAndTrain(child.work);
  const plan = JSON.parse(await readFile(child.files.plan, 'utf8')) as Plan;
  const features = await readFeatures(child.files.features);
  return kindred.trainSteps({ ...child.work, ...plan, features });
}

const result = await measure(JSON.parse(process.argv[2] ?? '') as ChildWork);
// Node counts KiB on every system.
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ ...result, peakBytes })}\n`);
