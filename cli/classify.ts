import { createDecider } from '../core/gallery/decision.ts';
import type { Decision } from '../core/gallery/decision.ts';
import { createSearch } from '../core/gallery/search.ts';
import type { OperatingPoint } from '../core/gallery/calibration.ts';
import type { OpenedVersion } from '../core/registry/open-version.ts';

/** Answers one embedding after another from a version's gallery. */
export function deciderOf(
  { gallery, calibration }: OpenedVersion,
  { top, point }: { readonly top: number; readonly point: OperatingPoint },
): (embedding: Float32Array) => Decision {
  return createDecider(createSearch(gallery), { top, point, calibration });
}
