import { fitText, textWidth } from '../../core/training/evaluation/text-width.ts';
import { escapeLine } from './escape.ts';

export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly align?: 'left' | 'right';
  /** Longer cells are cut. @default 60 columns */
  readonly widest?: number;
}

const GAP = '  ';

/** Rows of cells below their titles, in columns as wide as their widest cell. Cells are escaped. Ends in a line break. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) =>
    columns.map((column, i) => fitText(escapeLine(row[i] ?? ''), column.widest ?? 60)),
  );
  const widths = columns.map((column, i) =>
    Math.max(textWidth(column.title), ...cells.map((row) => textWidth(row[i] ?? ''))),
  );
  const line = (row: readonly string[]): string =>
    columns
      .map((column, i) => pad(row[i] ?? '', widths[i] ?? 0, column.align ?? 'left'))
      .join(GAP)
      .trimEnd();
  return [columns.map((column) => column.title), ...cells].map((row) => `${line(row)}\n`).join('');
}

/** Names and values below each other; names of no value are left out. Ends in a line break. */
export function facts(entries: Readonly<Record<string, string | null>>): string {
  const shown = Object.entries(entries).filter(([, value]) => value !== null);
  const width = Math.max(0, ...shown.map(([name]) => textWidth(name)));
  return shown
    .map(([name, value]) => `${pad(escapeLine(name), width, 'left')}${GAP}${escapeLine(value ?? '')}\n`)
    .join('');
}

function pad(text: string, columns: number, side: 'left' | 'right'): string {
  const spaces = ' '.repeat(Math.max(0, columns - textWidth(text)));
  return side === 'left' ? text + spaces : spaces + text;
}
