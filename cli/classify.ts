import { createDecider } from '../core/gallery/decision.ts';
import type { Decision, DecisionOptions } from '../core/gallery/decision.ts';
import { createSearch } from '../core/gallery/search.ts';
import type { OpenedVersion } from '../core/registry/open-version.ts';

/** Answers one embedding after another from a version's gallery. */
export function deciderOf(
  { gallery, calibration }: OpenedVersion,
  options: Omit<DecisionOptions, 'calibration' | 'rule'>,
): (embedding: Float32Array) => Decision {
  return createDecider(createSearch(gallery), { ...options, calibration });
}
