import { counted, decimal } from '../../format.ts';
import { OPERATING_POINTS } from '../../gallery/calibration.ts';
import type { Calibration } from '../../gallery/calibration.ts';
import { at, chart, plane } from './axes.ts';
import type { Plane } from './axes.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';

const SIZE = [900, 260] as const;
const BINS = 36;

/** How far known pictures and strangers are from what they are told, with the thresholds among them. */
export function distanceHistogram(
  { known, strangers }: NonNullable<Calibration['distances']>,
  points: Calibration['points'],
): Html {
  const thresholds = OPERATING_POINTS.map((point) => ({ point, threshold: points[point].threshold }));
  const to =
    Math.max(...thresholds.map(({ threshold }) => threshold), quantile([...known, ...strangers], 0.99)) *
    1.05;
  const width = (to || 1) / BINS;
  const [mine, others] = [shares(known, width), shares(strangers, width)];
  const highest = Math.max(...mine, ...others);
  const area = plane(
    ...SIZE,
    { from: 0, to: width * BINS, title: 'distance', label: String },
    { from: 0, to: highest * 1.4, title: 'share', label: (share) => `${Math.round(share * 100)} %` },
  );
  const lines = thresholds.map(({ point, threshold }, i) => {
    const [x, top] = [at(area.x(threshold)), 12 + i * 15];
    return html`<path class="mark" d="M${x} ${top - 4}V${at(area.y(0))}" /><text
        x="${at(area.x(threshold) + 5)}"
        y="${top + 6}"
        >${point}</text
      >`;
  });
  const description = `${counted(known.length, 'picture')}: half of their distances are below ${decimal(quantile(known, 0.5))}${
    strangers.length === 0 ? '' : `, half of those of strangers above ${decimal(quantile(strangers, 0.5))}`
  }. Thresholds: ${thresholds.map(({ point, threshold }) => `${point} ${decimal(threshold)}`).join(', ')}.`;
  return html`<figure>
    ${chart('distances', area, { title: 'Distances of known pictures and of strangers', description }, [bars(area, mine, width, 'first'), bars(area, others, width, 'second'), lines])}
    <figcaption>
      <ul class="key">
        <li class="first">known pictures, to the class they are told</li>
        <li class="second">strangers, to the class they would be told</li>
      </ul>
    </figcaption>
  </figure>`;
}

/** The share of the distances in each bin; what is farther than all bins counts in the last. */
function shares(distances: readonly number[], width: number): number[] {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const distance of distances) {
    const bin = Math.min(BINS - 1, Math.floor(distance / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count) => count / Math.max(1, distances.length));
}

function bars({ x, y }: Plane, heights: readonly number[], width: number, className: string): Html {
  const rects = heights.map((height, bin) =>
    height === 0
      ? null
      : html`<rect
          x="${at(x(bin * width) + 0.5)}"
          y="${at(y(height))}"
          width="${at(x(width) - x(0) - 1)}"
          height="${at(y(0) - y(height))}"
        />`,
  );
  return html`<g class="bars ${className}">${rects}</g>`;
}

/** The value that a share `q` of the numbers is below. */
function quantile(numbers: readonly number[], q: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}
