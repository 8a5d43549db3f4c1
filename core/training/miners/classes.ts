/** The rows of a batch that share a label. */
export interface ClassOfRows {
  readonly label: number;
  /** Ascending. */
  readonly rows: Int32Array;
}

/** The classes of a batch, by ascending label. */
export function groupByClass(labels: Int32Array): ClassOfRows[] {
  const rowsOf = new Map<number, number[]>();
  for (const [row, label] of labels.entries()) {
    const rows = rowsOf.get(label);
    if (rows) rows.push(row);
    else rowsOf.set(label, [row]);
  }
  return [...rowsOf]
    .sort(([a], [b]) => a - b)
    .map(([label, rows]) => ({ label, rows: Int32Array.from(rows) }));
}

/** The rows that do not have `label`, ascending. */
export function rowsOutside(label: number, labels: Int32Array): Int32Array {
  return Int32Array.from(labels.keys()).filter((row) => labels[row] !== label);
}
