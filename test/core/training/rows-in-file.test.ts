import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import type { Tensor2D } from '@tensorflow/tfjs-node';
import { tf } from '../../../core/network/tensorflow.ts';
import { rowsInFile } from '../../../core/training/rows-in-file.ts';

const WIDTH = 3;
/** Row i is 3i, 3i + 1, 3i + 2. */
const rowsFrom = (start: number, count: number): Tensor2D =>
  tf.range(start * WIDTH, (start + count) * WIDTH).reshape([count, WIDTH]);

describe('rows in a file', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-rows-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [name, where] of [
    ['a file', folder],
    ['memory', undefined],
  ] as const) {
    for (const count of [0, 1, 32, 75]) {
      it(`are all there, in order, and leave nothing: ${count} in ${name}`, () => {
        const before = tf.memory().numTensors;
        const made = rowsInFile(where, [count, WIDTH], rowsFrom);
        assert.deepEqual(readdirSync(folder), []);
        assert.deepEqual(made.rows.shape, [count, WIDTH]);
        assert.deepEqual(
          [...made.rows.dataSync()],
          Array.from({ length: count * WIDTH }, (_, i) => i),
        );
        made.dispose();
        assert.equal(tf.memory().numTensors, before);
      });
    }
  }

  it('leave nothing where they cannot be made', () => {
    const before = tf.memory().numTensors;
    const make = (start: number, count: number): Tensor2D => {
      if (start > 0) throw new Error('no more of them');
      return rowsFrom(start, count);
    };
    assert.throws(() => rowsInFile(folder, [40, WIDTH], make), /no more of them/);
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(tf.memory().numTensors, before);
  });
});
