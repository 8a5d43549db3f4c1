import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildWork } from './kindred-child.ts';
import type { ForwardResult, ForwardWork } from './kindred-forward.ts';
import type { EpochWork, StepWork } from './kindred-step.ts';
import { runJson } from './processes.ts';
import type { Environment } from './processes.ts';
import { PEERS_FOLDER } from './python.ts';
import type { EpochResult, StepResult } from './results.ts';
import type { WorkFiles } from './work.ts';

export type StepOptions = Omit<StepWork, 'features' | 'batches' | 'margin'>;

const KINDRED_CHILD = fileURLToPath(new URL('kindred-child.ts', import.meta.url));

function kindredChild<Result>(work: ChildWork, environment: Environment = {}): Promise<Result> {
  return runJson<Result>(
    process.execPath,
    ['--import', 'tsx', KINDRED_CHILD, JSON.stringify(work)],
    environment,
  );
}

/** The seed's procedure as Kindred does it, in a fresh process. */
export function kindredEpoch(work: EpochWork): Promise<EpochResult> {
  return kindredChild({ kind: 'epoch', work });
}

/** Training steps as Kindred does them, in a fresh process. */
export function kindredSteps(
  work: StepOptions,
  files: WorkFiles,
  environment: Environment,
): Promise<StepResult> {
  return kindredChild({ kind: 'step', work, files }, environment);
}

/** The seed's procedure as its own Keras program does it, in a fresh process. */
export function kerasEpoch(python: string, work: EpochWork): Promise<EpochResult> {
  return peer(python, 'seed_keras.py', {
    data: path.resolve(work.data),
    weights: work.weights,
    size: work.size,
    batch: work.batch,
    margin: work.margin,
    'learning-rate': work.learningRate,
  });
}

/** Training steps in PyTorch, in a fresh process. */
export function torchSteps(
  python: string,
  work: StepOptions & { readonly device: string },
  files: WorkFiles,
  way: string,
  environment: Environment,
): Promise<StepResult> {
  const { learningRate, ...same } = work;
  return peer(
    python,
    'step_torch.py',
    { ...same, ...files, 'learning-rate': learningRate, way },
    environment,
  );
}

/** The backbone's pass forward as Kindred does it, in a fresh process. */
export function kindredForward(work: ForwardWork, environment: Environment = {}): Promise<ForwardResult> {
  return kindredChild({ kind: 'forward', work }, environment);
}

/** The same in PyTorch. */
export function torchForward(python: string, work: ForwardWork, device: string): Promise<ForwardResult> {
  return peer(python, 'forward_torch.py', { ...work, device });
}

function peer<Result>(
  python: string,
  script: string,
  options: Record<string, string | number>,
  environment: Environment = {},
): Promise<Result> {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return runJson<Result>(python, ['-B', path.join(PEERS_FOLDER, script), ...flags], environment);
}
