/** What the charts of a report have in common: a plane with two axes, in SVG that takes its colours from the page. */
import { html } from './html.ts';
import type { Content, Html } from './html.ts';

/** From values to places in the picture. */
export type Scale = (value: number) => number;

export interface Plane {
  readonly x: Scale;
  readonly y: Scale;
  readonly width: number;
  readonly height: number;
  readonly axes: Html;
}

export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly title: string;
  readonly label: (value: number) => string;
  /** Ticks to be drawn in place of round ones. */
  readonly ticks?: readonly number[];
}

const MARGIN = { left: 56, right: 16, top: 12, bottom: 44 };

/** A plane of `width` x `height` with ticks, grid and titles. */
export function plane(width: number, height: number, across: Axis, up: Axis): Plane {
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  const x = scale(across, MARGIN.left, right);
  const y = scale(up, bottom, MARGIN.top);
  const columns = (across.ticks ?? roundTicks(across.from, across.to)).map(
    (tick) =>
      html`<text x="${at(x(tick))}" y="${bottom + 18}" text-anchor="middle">${across.label(tick)}</text>`,
  );
  const rows = (up.ticks ?? roundTicks(up.from, up.to)).map(
    (tick) =>
      html`<path class="grid" d="M${MARGIN.left} ${at(y(tick))}H${right}" /><text
          x="${MARGIN.left - 8}"
          y="${at(y(tick) + 4)}"
          text-anchor="end"
          >${up.label(tick)}</text
        >`,
  );
  const titles = html`<text
      class="axis"
      x="${(MARGIN.left + right) / 2}"
      y="${height - 6}"
      text-anchor="middle"
      >${across.title}</text
    ><text
      class="axis"
      transform="translate(12 ${(MARGIN.top + bottom) / 2}) rotate(-90)"
      text-anchor="middle"
      >${up.title}</text
    >`;
  const line = html`<path class="line" d="M${MARGIN.left} ${bottom}H${right}" />`;
  return { x, y, width, height, axes: html`${rows}${line}${columns}${titles}` };
}

function scale({ from, to }: Axis, start: number, end: number): Scale {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

/** Some four round numbers within the range: steps of 1, 2 or 5 times a power of ten. */
export function roundTicks(from: number, to: number): number[] {
  const span = to - from;
  if (!(span > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => span / one <= 5) ?? span;
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A place in a picture, to a tenth. */
export function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A chart with its name and what it shows in words, for those who do not see it. */
export function chart(
  id: string,
  { width, height, axes }: Plane,
  { title, description }: { readonly title: string; readonly description: string },
  content: Content,
): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${title}">
    <svg
      class="chart"
      viewBox="0 0 ${width} ${height}"
      width="${width}"
      height="${height}"
      role="img"
      aria-labelledby="${id}-title ${id}-description"
    >
      <title id="${id}-title">${title}</title>
      <desc id="${id}-description">${description}</desc>
      ${axes} ${content}
    </svg>
  </div>`;
}
