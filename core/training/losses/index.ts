import { byName } from '../by-name.ts';
import { contrastive } from './contrastive.ts';
import type { Loss, LossKind } from './loss.ts';
import { multiSimilarity } from './multi-similarity.ts';
import { softMargin } from './soft-margin.ts';
import { triplet } from './triplet.ts';

export type { Loss } from './loss.ts';

/** Every kind of loss by its name; `losses.triplet.create({ margin: 0.5 })` gives the loss. */
export const losses = {
  triplet,
  'soft-margin': softMargin,
  contrastive,
  'multi-similarity': multiSimilarity,
};

/** The loss of this name with these options, both as somebody wrote them; wrong ones are errors that say what is allowed. */
export function createLoss(name: string, options: unknown = {}): Loss {
  const kind: LossKind = byName<LossKind>(losses, 'loss', name);
  return kind.create(options as Record<string, unknown>);
}

export type LossName = keyof typeof losses;
