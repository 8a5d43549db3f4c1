/** Charts: shares as bars, and lines or a histogram between two axes, in SVG that takes its colours from the page. */
import type { Interval } from '../../interval.ts';
import { html } from '../../markup.ts';
import type { Html } from '../../markup.ts';
import { scrolling } from './layout.ts';

export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly title: string;
  readonly label: (value: number) => string;
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What it shows in words, for those who do not see it. */
  readonly description: string;
  readonly width: number;
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
  /** At most two; those without points are left out. */
  readonly series: readonly (Series | null)[];
  /** Width of a bar on the x axis, from each point on; absent: points are joined by lines. */
  readonly bars?: number;
  /** Vertical lines. */
  readonly marks: readonly { readonly x: number; readonly label: string }[];
}

const MARGIN = { left: 56, right: 16, top: 12, bottom: 44 };
/** Lines of more points are drawn without dots. */
const MOST_DOTS = 40;
const CLASSES = ['first', 'second'] as const;

export function percentLabel(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function chart({ id, title, description, width, height, x, y, series, bars, marks }: Chart): Html {
  const { left, top } = MARGIN;
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  const atX = scale(x, left, right);
  const atY = scale(y, bottom, top);
  const shown = series.flatMap((one, i) =>
    one === null || one.points.length === 0 ? [] : [{ ...one, className: CLASSES[i] ?? '' }],
  );
  const drawn = shown.map(({ points, className }) =>
    bars === undefined
      ? html`<g class="${className}"
          ><path
            class="curve"
            d="${points.map(([p, q], i) => `${i === 0 ? 'M' : 'L'}${atX(p)} ${atY(q)}`).join('')}"
          />${points.length <= MOST_DOTS && points.map(([p, q]) => html`<circle cx="${atX(p)}" cy="${atY(q)}" r="3" />`)}</g
        >`
      : html`<g class="bars ${className}"
          >${points.map(([p, q]) => html`<path d="M${atX(p)} ${bottom}V${atY(q)}H${atX(p + bars) - 1}V${bottom}Z" />`)}</g
        >`,
  );
  const svg = html`<svg
    class="chart"
    viewBox="0 0 ${width} ${height}"
    width="${width}"
    height="${height}"
    role="img"
    aria-labelledby="${id}-title ${id}-description"
  >
    <title id="${id}-title">${title}</title>
    <desc id="${id}-description">${description}</desc>
    ${roundTicks(y).map((tick) => html`<path class="grid" d="M${left} ${atY(tick)}H${right}" /><text x="${left - 8}" y="${atY(tick) + 4}" text-anchor="end">${y.label(tick)}</text>`)}
    <path class="line" d="M${left} ${bottom}H${right}" />
    ${roundTicks(x).map((tick) => html`<text x="${atX(tick)}" y="${bottom + 18}" text-anchor="middle">${x.label(tick)}</text>`)}
    <text x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">${x.title}</text>
    <text transform="translate(12 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${y.title}</text>
    ${drawn}
    ${marks.map((mark, i) => html`<path class="mark" d="M${atX(mark.x)} ${top - 4 + i * 15}V${bottom}" /><text x="${atX(mark.x) + 5}" y="${top + 6 + i * 15}">${mark.label}</text>`)}
  </svg>`;
  const key = shown.map(({ name, className }) => html`<li class="${className}">${name}</li>`);
  return html`<figure>
    ${scrolling(title, svg)}
    <figcaption>
      <ul class="key">
        ${key}
      </ul>
    </figcaption>
  </figure>`;
}

/** From values to places, to a tenth of a pixel. */
function scale({ from, to }: Axis, start: number, end: number): (value: number) => number {
  return (value) => Math.round(10 * (start + ((value - from) / (to - from || 1)) * (end - start))) / 10;
}

/** Two to six round numbers within the range: steps of 1, 2 or 5 times a power of ten. */
export function roundTicks({ from, to }: Pick<Axis, 'from' | 'to'>): number[] {
  const span = to - from;
  if (!(span > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => span / one <= 5) ?? span;
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A share as a bar with its interval; the numbers stand beside it. */
export function shareBar(share: number, interval: Interval | null, className: string): Html {
  const css = (part: number): string => `${(Math.min(1, Math.max(0, part)) * 100).toFixed(2)}%`;
  return html`<span class="bar ${className}" aria-hidden="true"
    ><span class="fill" style="width:${css(share)}"></span
    >${interval && html`<span class="whisker" style="left:${css(interval.low)};width:${css(interval.high - interval.low)}"></span>`}</span
  >`;
}
