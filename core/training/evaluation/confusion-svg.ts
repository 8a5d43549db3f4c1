import { confusedPairs, type Confusion, sum, totalsOf } from './confusion.ts';
import { fitText, textWidth } from './text-width.ts';

export interface ConfusionSvgOptions {
  /** The heading. @default 'Confusion between classes' */
  readonly title?: string;
  /** Prefix of the ids inside, for several pictures in one page. @default 'confusion' */
  readonly id?: string;
}

type Colour = readonly [red: number, green: number, blue: number];

// Right answers and mistakes have a hue each (told apart also by the colour-blind), from a tint that is seen to full strength.
const RIGHT: readonly [Colour, Colour] = [
  [214, 236, 231],
  [0, 92, 82],
];
const WRONG: readonly [Colour, Colour] = [
  [253, 228, 207],
  [176, 52, 0],
];
const INK = '#1d2733';
const FAINT = '#5b6875';
const GRID = '#e3e7eb';
const FONT = "font-family=\"system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif\"";
const MAX_LABEL = 30;
const LETTER = 0.6;

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

/**
 * The confusion as one self-contained SVG document: rows are the classes of the queries, columns the answers, a cell's colour is its share of the
 * row. Full names and counts are in each cell's tooltip; long names are shortened beside the matrix.
 */
export function confusionSvg(confusion: Confusion, options: ConfusionSvgOptions = {}): string {
  const { title = 'Confusion between classes', id = 'confusion' } = options;
  const layout = layOut(confusion);
  const { width, height } = layout;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${escapeXml(id)}-title ${escapeXml(id)}-desc" ${FONT} fill="${INK}">`,
    `<title id="${escapeXml(id)}-title">${escapeXml(title)}</title>`,
    `<desc id="${escapeXml(id)}-desc">${escapeXml(describe(confusion))}</desc>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...heading(confusion, title, layout),
    ...grid(confusion, layout),
    ...confusion.counts.flatMap((row, i) => rowOfCells(confusion, row, i, layout)),
    ...confusion.labels.flatMap((label, i) => labelsOf(label, confusion.counts[i] ?? [], i, layout)),
    ...legend(layout),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function layOut({ labels, counts }: Confusion): Layout {
  const n = labels.length;
  const cell = n <= 12 ? 44 : n <= 20 ? 34 : n <= 40 ? 25 : n <= 80 ? 16 : 10;
  const font = Math.min(14, Math.max(8, Math.round(cell * 0.52)));
  const longest =
    Math.max(6, ...labels.map((label) => Math.min(MAX_LABEL, textWidth(label)))) * font * LETTER;
  const digits = Math.max(1, ...counts.flat().map((count) => String(count).length));
  const side = n * cell;
  const turn = cell < 16 ? 90 : 45;
  const left = Math.ceil(44 + longest);
  const top = Math.ceil(112 + longest * Math.sin((turn * Math.PI) / 180));
  const right = Math.max(110, longest * Math.cos((turn * Math.PI) / 180) + cell);
  return {
    cell,
    font,
    left,
    top,
    side,
    width: Math.ceil(Math.max(left + side + right, 560)),
    height: top + side + 72,
    turn,
    showCounts: cell >= 16 && digits * font * LETTER <= cell - 2,
  };
}

function heading(confusion: Confusion, title: string, { left, top, side }: Layout): string[] {
  const { images, right } = totalsOf(confusion);
  const [across, down] = [left + side / 2, top + side / 2];
  return [
    `<text x="24" y="38" font-size="20" font-weight="600">${escapeXml(fitText(title, 60))}</text>`,
    `<text x="24" y="62" font-size="14" fill="${FAINT}">${escapeXml(`${right} of ${images} right (${percent(right, images)})`)}</text>`,
    `<text x="${across}" y="${top + side + 24}" font-size="13" fill="${FAINT}" text-anchor="middle">answer</text>`,
    `<text transform="translate(22 ${down}) rotate(-90)" font-size="13" fill="${FAINT}" text-anchor="middle">actual class</text>`,
  ];
}

function grid({ labels }: Confusion, { left, top, cell, side }: Layout): string[] {
  const lines = [...labels, ''].map((_, i) => {
    const at = i * cell;
    return `M${left} ${top + at}h${side}M${left + at} ${top}v${side}`;
  });
  return [`<path d="${lines.join('')}" stroke="${GRID}" fill="none"/>`];
}

function rowOfCells({ labels }: Confusion, row: readonly number[], i: number, layout: Layout): string[] {
  const { left, top, cell, font, showCounts } = layout;
  const total = sum(row);
  return row.flatMap((count, j) => {
    if (count === 0) return [];
    const [x, y] = [left + j * cell, top + i * cell];
    const colour = mix(i === j ? RIGHT : WRONG, count / total);
    const told = `${labels[i] ?? ''} answered as ${labels[j] ?? ''}: ${count} of ${total} (${percent(count, total)})`;
    const square = `<rect x="${x + 1}" y="${y + 1}" width="${cell - 2}" height="${cell - 2}" rx="2" fill="${hex(colour)}"/>`;
    const ink = luminance(colour) > 0.3 ? INK : '#ffffff';
    const number = showCounts
      ? `<text x="${x + cell / 2}" y="${y + cell / 2 + font * 0.36}" font-size="${font}" text-anchor="middle" fill="${ink}">${count}</text>`
      : '';
    return [`<g><title>${escapeXml(told)}</title>${square}${number}</g>`];
  });
}

function labelsOf(label: string, row: readonly number[], i: number, layout: Layout): string[] {
  const { left, top, cell, font, side, turn } = layout;
  const [middle, total] = [i * cell + cell / 2, sum(row)];
  const short = escapeXml(fitText(label, MAX_LABEL));
  const full = `<title>${escapeXml(label)}</title>`;
  const y = top + middle + font * 0.36;
  const share = total === 0 ? 'no query' : percent(row[i] ?? 0, total);
  return [
    `<text x="${left - 8}" y="${y}" font-size="${font}" text-anchor="end">${full}${short}</text>`,
    `<text transform="translate(${left + middle + font * 0.3} ${top - 8}) rotate(-${turn})" font-size="${font}">${full}${short}</text>`,
    `<text x="${left + side + 10}" y="${y}" font-size="${font}" fill="${FAINT}">${share}</text>`,
  ];
}

function legend({ top, side, left }: Layout): string[] {
  const y = top + side + 44;
  const steps = [0.05, 0.25, 0.5, 0.75, 1];
  const bar = (scale: readonly [Colour, Colour], x: number, text: string): string =>
    steps
      .map(
        (step, i) =>
          `<rect x="${x + i * 16}" y="${y}" width="16" height="12" fill="${hex(mix(scale, step))}"/>`,
      )
      .join('') + `<text x="${x + 88}" y="${y + 10}" font-size="12" fill="${FAINT}">${text}</text>`;
  const start = Math.min(left, 120);
  return [bar(RIGHT, start, 'right, share of the row'), bar(WRONG, start + 236, 'wrong')];
}

function describe(confusion: Confusion): string {
  const { images, right } = totalsOf(confusion);
  const worst = confusedPairs(confusion)
    .slice(0, 3)
    .map((pair) => `${pair.class} answered as ${pair.predicted}, ${pair.count} of ${pair.of}`);
  const most =
    worst.length === 0 ? 'No class was confused with another.' : `Most confused: ${worst.join('; ')}.`;
  return `A matrix of ${confusion.labels.length} classes: rows are the actual classes, columns the answers. ${right} of ${images} pictures were answered right (${percent(right, images)}). ${most}`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${Math.round((100 * part) / whole)} %`;
}

function mix([from, to]: readonly [Colour, Colour], share: number): Colour {
  const channel = (c: 0 | 1 | 2): number => Math.round(from[c] + (to[c] - from[c]) * share);
  return [channel(0), channel(1), channel(2)];
}

function hex(colour: Colour): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}

/** Relative luminance, 0..1, as the Web Content Accessibility Guidelines define it. */
function luminance(colour: Colour): number {
  const [red = 0, green = 0, blue = 0] = colour.map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Text for XML's content and attributes; characters that XML 1.0 does not allow become U+FFFD. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}
