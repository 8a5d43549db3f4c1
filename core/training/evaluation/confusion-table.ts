import { confusedPairs, type Confusion, sum, totalsOf } from './confusion.ts';
import { padText, textWidth } from './text-width.ts';

const MAX_LABEL = 28;
const MAX_PAIRS = 20;

/**
 * The confusion as text, no line wider than `width` columns (at least 60): the whole matrix where it fits, else the pairs that were confused most often.
 * Columns bear the numbers of the rows.
 */
export function confusionTable(confusion: Confusion, width = 100): string {
  const matrix = matrixLines(confusion);
  const fits = matrix.every((line) => textWidth(line) <= width);
  return `${(fits ? matrix : pairLines(confusion, width)).join('\n')}\n`;
}

function matrixLines({ labels, counts }: Confusion): string[] {
  const numberWidth = String(labels.length).length;
  const cellWidth = 1 + Math.max(numberWidth, ...counts.flat().map((count) => String(count).length));
  const labelWidth = Math.max(12, Math.min(MAX_LABEL, Math.max(0, ...labels.map(textWidth))));
  const head = `${' '.repeat(numberWidth)} ${padText('is \\ told', labelWidth)}`;
  const columns = labels.map((_, j) => String(j + 1).padStart(cellWidth)).join('');
  const rows = counts.map((row, i) => {
    const label = `${String(i + 1).padStart(numberWidth)} ${padText(labels[i] ?? '', labelWidth)}`;
    const cells = row.map((count) => (count === 0 ? '.' : String(count)).padStart(cellWidth)).join('');
    return `${label}${cells}  ${percent(row[i] ?? 0, sum(row))}`;
  });
  return [`${head}${columns}  right`, ...rows];
}

function pairLines(confusion: Confusion, width: number): string[] {
  const { images, right } = totalsOf(confusion);
  const all = confusedPairs(confusion);
  const summary = `${confusion.labels.length} classes, ${right} of ${images} right (${percent(right, images).trim()}).`;
  if (all.length === 0) return [`${summary} No class was confused with another.`];
  const shown = all.slice(0, MAX_PAIRS);
  const numberWidth = String(shown[0]?.count ?? 0).length;
  const ofWidth = Math.max(...shown.map(({ of }) => String(of).length));
  const longest = Math.max(
    12,
    ...shown.flatMap((pair) => [textWidth(pair.class), textWidth(pair.predicted)]),
  );
  const labelWidth = Math.min(longest, Math.floor((width - numberWidth - ofWidth - 15) / 2));
  const lines = shown.map(({ class: name, predicted, count, of }) =>
    `${String(count).padStart(numberWidth)} of ${String(of).padStart(ofWidth)}  ${padText(name, labelWidth)} told as ${padText(predicted, labelWidth)}`.trimEnd(),
  );
  const rest = all.length - shown.length;
  const more = rest > 0 ? [`and ${rest} more ${rest === 1 ? 'pair' : 'pairs'}`] : [];
  return [`${summary} Confused most often:`, ...lines, ...more];
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '    -' : `${Math.round((100 * part) / whole)} %`.padStart(5);
}
