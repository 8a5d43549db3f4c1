import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { CorruptDataError } from '../../../core/errors.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { mapRows, readRows, takeBlock, takeRows } from '../../../core/training/mapped-rows.ts';
import { inFolder } from './small.ts';

const DIMENSIONS = [5, 2, 3];
const numbers = Float32Array.from({ length: 30 }, (_, i) => Math.sin(i));
const rowOf = (row: number): number[] => [...numbers.subarray(row * 6, row * 6 + 6)];
const withFile = (work: (file: string) => void): Promise<void> =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'rows.f32');
    writeFileSync(file, numbers);
    const before = tf.memory().numTensors;
    work(file);
    assert.equal(tf.memory().numTensors, before, 'every tensor is disposed of');
  });

describe('rows of a mapped file', () => {
  it('are those of the file, mapped and read, in the order that they are asked for in, repeated ones too', () =>
    withFile((file) => {
      const rows = Int32Array.of(4, 0, 4, 2);
      const whole = mapRows(file, DIMENSIONS);
      for (const taken of [takeRows(whole, rows), readRows(file, DIMENSIONS, rows)]) {
        assert.deepEqual(taken.shape, [4, 2, 3]);
        assert.deepEqual([...taken.dataSync()], [4, 0, 4, 2].flatMap(rowOf));
        taken.dispose();
      }
      const block = takeBlock(whole, 1, 2);
      assert.deepEqual([...block.dataSync()], [1, 2].flatMap(rowOf));
      tf.dispose([block, whole]);
    }));

  it('may be none', () =>
    withFile((file) => {
      for (const none of [readRows(file, DIMENSIONS, new Int32Array()), mapRows(file, [0, 2, 3])]) {
        assert.deepEqual(none.shape, [0, 2, 3]);
        none.dispose();
      }
    }));

  it('that the file does not have any more are damage, named with the file', () =>
    withFile((file) => {
      truncateSync(file, 3 * 24 + 8);
      assert.throws(
        () => readRows(file, DIMENSIONS, Int32Array.of(1, 3)),
        (error) =>
          error instanceof CorruptDataError && error.message.includes(file) && /row 3/.test(error.message),
      );
    }));
});
