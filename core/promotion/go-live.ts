/** The last step of a training: its version answers from now on, unless the one in production is better. */
import { ConflictError } from '../errors.ts';
import { DEFAULT_ALIAS } from '../registry/names.ts';
import { completedNotes } from './complete.ts';
import { TOLERANCE } from './gate.ts';
import type { TrainingPlan } from '../pipeline/plan.ts';
import { promote } from './promote.ts';
import type { Promotion } from './promote.ts';

/** Others that go live at the same moment; each of them is compared with anew. */
const ATTEMPTS = 10;

/** Promotes what a job has published, once: a job that is resumed does not undo what others did since. */
export async function goLive(
  plan: TrainingPlan,
  version: number,
): Promise<Pick<Promotion, 'promoted' | 'gate'>> {
  const { registry } = plan.context;
  for (let attempt = 1; ; attempt++) {
    const alias = await registry.alias(plan.job.request.model, DEFAULT_ALIAS);
    const wasLive = alias?.history.some((move) => move.version === version) ?? false;
    if (wasLive && alias?.version !== version) return { promoted: true, gate: null };
    try {
      const promotion = await promoteTrained(plan, version);
      tell(plan, promotion);
      return { promoted: promotion.promoted, gate: promotion.gate };
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt >= ATTEMPTS) throw error;
    }
  }
}

async function promoteTrained({ job, data, context }: TrainingPlan, version: number): Promise<Promotion> {
  const { model, force = false, tolerance = TOLERANCE } = job.request;
  const pictures = (): Promise<TrainingPlan['data']['train']['pictures']> =>
    Promise.resolve(data.test?.pictures ?? []);
  return promote(
    context.registry,
    {
      model,
      alias: DEFAULT_ALIAS,
      version,
      by: context.createdBy,
      why: `training ${job.id}`,
      gate: { pictures, tolerance },
      force,
    },
    context,
  );
}

function tell({ context: { report } }: TrainingPlan, promotion: Promotion): void {
  const note = (text: string): void => report({ phase: 'note', text });
  for (const text of completedNotes(promotion)) note(text);
  if (promotion.gate !== null) note(`Compared with production: ${promotion.gate.reason}`);
}
