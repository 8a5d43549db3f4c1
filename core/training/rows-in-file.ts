/** Rows that are made some at a time and kept in a file that is mapped into memory, so that all of them may be more than memory holds. */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor2D } from '@tensorflow/tfjs-node';
import { tf } from '../network/tensorflow.ts';
import { writeAll } from '../network/write-all.ts';
import { mapRows, needsFile } from './mapped-rows.ts';

export interface MadeRows {
  /** (rows, width) */
  readonly rows: Tensor2D;
  /** Lets the rows go, and the file. */
  dispose(): void;
}

/** Rows at once: as many as a network computes together. */
const TOGETHER = 32;

/**
 * @param folder for the file: the cache of features, which clears away what a killed process left; undefined: in memory
 * @param make (count, width): the rows from `start` on; it is disposed of
 */
export function rowsInFile(
  folder: string | undefined,
  [rows, width]: readonly [rows: number, width: number],
  make: (start: number, count: number) => Tensor2D,
): MadeRows {
  const starts = Array.from({ length: Math.ceil(rows / TOGETHER) }, (_, i) => i * TOGETHER);
  const madeAt = (start: number): Tensor2D => tf.tidy(() => make(start, Math.min(TOGETHER, rows - start)));
  if (rows === 0) return inMemory(tf.zeros([0, width]));
  if (folder === undefined) return inMemory(tf.tidy(() => tf.concat(starts.map(madeAt), 0)));
  const path = join(folder, `rows-${randomUUID()}.partial`);
  const remove = (): void => rmSync(path, { force: true });
  try {
    writeBlocks(path, starts, madeAt);
    const mapped = mapRows(path, [rows, width]) as Tensor2D;
    // What is mapped stays until it is let go, but no file that somebody opens by its name.
    if (!needsFile()) remove();
    return {
      rows: mapped,
      dispose() {
        mapped.dispose();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function inMemory(rows: Tensor2D): MadeRows {
  return { rows, dispose: () => rows.dispose() };
}

function writeBlocks(path: string, starts: readonly number[], madeAt: (start: number) => Tensor2D): void {
  const file = openSync(path, 'wx');
  try {
    for (const start of starts) {
      const made = madeAt(start);
      writeAll(file, made.dataSync());
      made.dispose();
    }
  } finally {
    closeSync(file);
  }
}
