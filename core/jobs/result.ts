import type { Calibration } from '../gallery/calibration.ts';
import { readCalibration, readEvaluation } from '../registry/evaluation.ts';
import type { StoredEvaluation } from '../registry/evaluation.ts';
import type { Manifest } from '../registry/manifest.ts';
import type { Registry } from '../registry/registry.ts';
import type { Gate } from '../promotion/gate.ts';
import type { TrainingJob } from './job.ts';

/** What a training that succeeded has made. */
export interface TrainingResult {
  readonly job: string;
  readonly model: string;
  readonly version: number;
  readonly recipe: string;
  readonly metrics: Manifest['metrics'];
  /** That it took this time; not those before it was interrupted. */
  readonly seconds: number;
  /** Whether it answers from now on, and what it was compared with for that; null where there was nothing to compare with. */
  readonly promoted: boolean;
  readonly gate: Gate | null;
  /** Null where there was nothing to judge on. */
  readonly evaluation: StoredEvaluation | null;
  /** Null where there were too few pictures for any threshold. */
  readonly calibration: Calibration | null;
}

/** What became of a training, as its job keeps it. */
export type Outcome = Pick<TrainingResult, 'version' | 'promoted' | 'gate'>;

/** Read from what was published, so that it is the same however the job came to its end. @throws NotFoundError */
export async function resultOf(
  registry: Registry,
  { id, request }: TrainingJob,
  { version, promoted, gate }: Outcome,
  seconds: number,
): Promise<TrainingResult> {
  const { model } = request;
  const { recipe, metrics } = await registry.manifest(model, version);
  const evaluation = await readEvaluation(registry, { model, version });
  const calibration = await readCalibration(registry, { model, version });
  const made = { job: id, model, version, recipe: recipe.name, metrics, seconds };
  return { ...made, promoted, gate, evaluation, calibration };
}
