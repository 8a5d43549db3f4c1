/** The distance from which an image is unknown, and the error rates of that. */
import { counted, decimal, percent } from '../../format.ts';
import { OPERATING_POINTS } from '../../gallery/calibration.ts';
import type { Calibration, OperatingPoint } from '../../gallery/calibration.ts';
import type { Interval } from '../../interval.ts';
import { html } from '../../markup.ts';
import type { Content, Html } from '../../markup.ts';
import { chart, percentLabel } from './charts.ts';
import { section, table } from './layout.ts';

const BINS = 36;

export function thresholdsSection(calibration: Calibration | null): Html {
  const title = 'Thresholds for unknown images';
  if (calibration === null) {
    return section(
      'unknown',
      title,
      html`<p>There are no thresholds: no class has two different images.</p>`,
    );
  }
  const { pictures, points, distances } = calibration;
  return section(
    'unknown',
    title,
    html`<p>
      An image farther from its nearest class than the threshold is unknown. The three operating points are
      estimated by leave-one-out on ${counted(pictures, 'training image')}.
    </p>`,
    table(
      'Operating points',
      ['point', 'threshold', 'false rejections (FRR)', 'false acceptances (FAR)', ['target', 'text']],
      OPERATING_POINTS.map((point) => [point, ...cells(points[point])]),
    ),
    distances && histogram(distances, points),
    html`<p class="note">
      False rejections: known images that are called unknown. False acceptances: unknown images that are
      called known, estimated by leave-one-class-out. Images that resemble the known classes more than these
      resemble each other are accepted more often.
    </p>`,
  );
}

function cells(point: Calibration['points'][OperatingPoint]): Content[] {
  const { threshold, falseRejection, falseAcceptance, binds } = point;
  const target =
    binds === 'falseAcceptance' && point.targetFalseAcceptance !== null
      ? `FAR at most ${percent(point.targetFalseAcceptance)}`
      : `FRR at most ${percent(point.targetFalseRejection)}`;
  const rate = (share: number, interval: Interval | null): Content => [
    percent(share),
    interval && html` <small>${percent(interval.low)} to ${percent(interval.high)}</small>`,
  ];
  return [
    decimal(threshold),
    rate(falseRejection, point.falseRejectionInterval),
    falseAcceptance === null ? '–' : rate(falseAcceptance, point.falseAcceptanceInterval),
    target,
  ];
}

function histogram(
  { known, strangers }: NonNullable<Calibration['distances']>,
  points: Calibration['points'],
): Html {
  const marks = OPERATING_POINTS.map((label) => ({ label, x: points[label].threshold }));
  const to = 1.05 * Math.max(...marks.map(({ x }) => x), quantile([...known, ...strangers], 0.99)) || 1;
  const series = [
    { name: 'known images', points: shares(known, to / BINS) },
    { name: 'unknown images (class left out)', points: shares(strangers, to / BINS) },
  ];
  const highest = Math.max(...series.flatMap((one) => one.points.map(([, share]) => share)));
  const unknown = strangers.length > 0 && `, of unknown images ${decimal(quantile(strangers, 0.5))}`;
  return chart({
    id: 'distances',
    title: 'Distances of known and unknown images to the nearest class',
    description: `Median distance of ${counted(known.length, 'known image')}: ${decimal(quantile(known, 0.5))}${unknown || ''}. Thresholds: ${marks.map(({ label, x }) => `${label} ${decimal(x)}`).join(', ')}.`,
    width: 900,
    height: 260,
    x: { from: 0, to, title: 'distance', label: String },
    y: { from: 0, to: highest * 1.4, title: 'share', label: percentLabel },
    series,
    bars: to / BINS,
    marks,
  });
}

/** The share of the distances in each bin that has any; what is farther than all bins counts in the last. */
function shares(distances: readonly number[], width: number): [x: number, share: number][] {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const distance of distances) {
    const bin = Math.min(BINS - 1, Math.floor(distance / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.flatMap((count, bin) => (count === 0 ? [] : [[bin * width, count / distances.length]]));
}

/** The value that a share `q` of the numbers is below. */
function quantile(numbers: readonly number[], q: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}
