import { html } from '../../markup.ts';
import type { Html } from '../../markup.ts';
import { confusedPairs, type Confusion, sum, totalsOf } from './confusion.ts';
import { fitText, textWidth } from './text-width.ts';

export interface ConfusionSvgOptions {
  /** The heading. @default 'Confusion between classes' */
  readonly title?: string;
  /** Prefix of the ids inside, for several images in one page. @default 'confusion' */
  readonly id?: string;
}

// Right and wrong have a hue each, told apart also by the colour-blind, from a tint that is seen to full strength.
const [RIGHT, WRONG] = ['#005c52', '#b03400'];
const [INK, FAINT, GRID] = ['#1d2733', '#5b6875', '#e3e7eb'];
const FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";
/** From this share of the row on, white is read better than ink. */
const DARK = 0.65;
const MAX_LABEL = 30;
/** Width of a letter, as a share of the font size. */
const LETTER = 0.6;

/**
 * The confusion as one self-contained SVG document: rows are the actual classes, columns the predicted ones, a cell's colour is its
 * share of the row. Full names and counts are in each cell's tooltip; long names are shortened beside the matrix.
 */
export function confusionSvg(confusion: Confusion, options: ConfusionSvgOptions = {}): string {
  const { title = 'Confusion between classes', id = 'confusion' } = options;
  const { labels, counts } = confusion;
  const { images, right } = totalsOf(confusion);
  const layout = layOut(confusion);
  const { left, top, side, cell, width, height } = layout;
  const lines = [...labels, ''].map(
    (_, i) => `M${left} ${top + i * cell}h${side}M${left + i * cell} ${top}v${side}`,
  );
  const axis = { 'font-size': 13, fill: FAINT, 'text-anchor': 'middle' };
  const svg = html`<svg
    xmlns="http://www.w3.org/2000/svg"
    width="${width}"
    height="${height}"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-labelledby="${id}-title ${id}-desc"
    font-family="${FONT}"
    fill="${INK}"
  >
    <title id="${id}-title">${title}</title>
    <desc id="${id}-desc">${describe(confusion)}</desc>
    <rect width="${width}" height="${height}" fill="#ffffff" />
    ${text(fitText(title, 60), { x: 24, y: 38, 'font-size': 20, 'font-weight': 600 })}
    ${text(`${right} of ${images} right (${percent(right, images)})`, { x: 24, y: 62, 'font-size': 14, fill: FAINT })}
    ${text('predicted', { x: left + side / 2, y: top + side + 24, ...axis })}
    ${text('actual', { transform: `translate(22 ${top + side / 2}) rotate(-90)`, ...axis })}
    <path d="${lines.join('')}" stroke="${GRID}" fill="none" />
    ${counts.map((row, i) => row.map((count, j) => count > 0 && cellOf(confusion, i, j, layout)))}
    ${labels.map((_, i) => labelsOf(confusion, i, layout))}
    ${legend(RIGHT, 'right, share of the row', Math.min(left, 120), top + side + 44)}
    ${legend(WRONG, 'wrong', Math.min(left, 120) + 236, top + side + 44)}
  </svg> `;
  return svg.toString();
}

interface Layout {
  readonly cell: number;
  readonly font: number;
  /** The matrix' upper left corner. */
  readonly left: number;
  readonly top: number;
  readonly side: number;
  readonly width: number;
  readonly height: number;
  readonly showCounts: boolean;
  /** How far the columns' labels are turned, in degrees: upright where slanted ones would overlap. */
  readonly turn: 45 | 90;
}

function layOut({ labels, counts }: Confusion): Layout {
  const n = labels.length;
  const cell = n <= 12 ? 44 : n <= 20 ? 34 : n <= 40 ? 25 : n <= 80 ? 16 : 10;
  const font = Math.min(14, Math.max(8, Math.round(cell * 0.52)));
  const longest =
    Math.max(6, ...labels.map((label) => Math.min(MAX_LABEL, textWidth(label)))) * font * LETTER;
  const digits = Math.max(1, ...counts.flat().map((count) => String(count).length));
  const [side, turn] = [n * cell, cell < 16 ? 90 : 45];
  const left = Math.ceil(44 + longest);
  const top = Math.ceil(112 + longest * Math.sin((turn * Math.PI) / 180));
  const right = Math.max(110, longest * Math.cos((turn * Math.PI) / 180) + cell);
  const width = Math.ceil(Math.max(left + side + right, 560));
  const showCounts = cell >= 16 && digits * font * LETTER <= cell - 2;
  return { cell, font, left, top, side, width, height: top + side + 72, turn: turn as 45 | 90, showCounts };
}

/** @param full a tooltip */
function text(content: string, attributes: Readonly<Record<string, string | number>>, full?: string): Html {
  const all = Object.entries(attributes).map(([key, value]) => html` ${key}="${value}"`);
  return html`<text${all}>${full !== undefined && html`<title>${full}</title>`}${content}</text>`;
}

function cellOf({ labels, counts }: Confusion, i: number, j: number, layout: Layout): Html {
  const { left, top, cell, font, showCounts } = layout;
  const [count, total] = [counts[i]?.[j] ?? 0, sum(counts[i] ?? [])];
  const [x, y] = [left + j * cell, top + i * cell];
  const tooltip = `${labels[i]} predicted as ${labels[j]}: ${count} of ${total} (${percent(count, total)})`;
  const fill = count / total > DARK ? '#ffffff' : INK;
  const place = {
    x: x + cell / 2,
    y: y + cell / 2 + font * 0.36,
    'font-size': font,
    'text-anchor': 'middle',
    fill,
  };
  return html`<g
    ><title>${tooltip}</title
    ><rect
      x="${x + 1}"
      y="${y + 1}"
      width="${cell - 2}"
      height="${cell - 2}"
      rx="2"
      fill="${i === j ? RIGHT : WRONG}"
      fill-opacity="${opacity(count / total)}"
    />${showCounts && text(String(count), place)}</g
  > `;
}

function labelsOf({ labels, counts }: Confusion, i: number, layout: Layout): Html {
  const { left, top, cell, font, side, turn } = layout;
  const [label, row] = [labels[i] ?? '', counts[i] ?? []];
  const middle = i * cell + cell / 2;
  const [short, size] = [fitText(label, MAX_LABEL), { 'font-size': font }];
  const y = top + middle + font * 0.36;
  const transform = `translate(${left + middle + font * 0.3} ${top - 8}) rotate(-${turn})`;
  const share = sum(row) === 0 ? 'no query' : percent(row[i] ?? 0, sum(row));
  return html`${text(short, { x: left - 8, y, 'text-anchor': 'end', ...size }, label)}${text(short, { transform, ...size }, label)}${text(share, { x: left + side + 10, y, fill: FAINT, ...size })} `;
}

function legend(fill: string, label: string, x: number, y: number): Html {
  const steps = [0.05, 0.25, 0.5, 0.75, 1].map(
    (step, i) =>
      html`<rect
        x="${x + i * 16}"
        y="${y}"
        width="16"
        height="12"
        fill="${fill}"
        fill-opacity="${opacity(step)}"
      />`,
  );
  return html`${steps}${text(label, { x: x + 88, y: y + 10, 'font-size': 12, fill: FAINT })}`;
}

function describe(confusion: Confusion): string {
  const { images, right } = totalsOf(confusion);
  const worst = confusedPairs(confusion)
    .slice(0, 3)
    .map((pair) => `${pair.class} predicted as ${pair.predicted}, ${pair.count} of ${pair.of}`);
  const most =
    worst.length === 0 ? 'No class was confused with another.' : `Most confused: ${worst.join('; ')}.`;
  return `A matrix of ${confusion.labels.length} classes: rows are the actual classes, columns the predicted ones. ${right} of ${images} images are right (${percent(right, images)}). ${most}`;
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${Math.round((100 * part) / whole)} %`;

const opacity = (share: number): string => (0.15 + 0.85 * share).toFixed(3);
