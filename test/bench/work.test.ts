import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { median } from '../../bench/results.ts';
import { planOf, readFeatures, writeFeatures } from '../../bench/work.ts';

test('a plan has 32 triplets of three different pictures and uses every picture of its batch', () => {
  for (const pictures of [32, 64, 96]) {
    const [batch] = planOf(pictures, 0.5).batches;
    assert.ok(batch);
    assert.equal(batch.triplets.length, 32);
    assert.ok(batch.triplets.every((triplet) => new Set(triplet).size === 3));
    assert.equal(new Set(batch.triplets.flat()).size, pictures);
    assert.equal(batch.rows.length, pictures);
  }
});

test('features are a version 1.0 .npy file whose header fills 128 bytes and says the shape', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'kindred-bench-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'features.npy');

  await writeFeatures(file, 2);

  const bytes = await readFile(file);
  const header = bytes.toString('latin1', 10, 128);
  const values = await readFeatures(file);
  assert.deepEqual([...bytes.subarray(0, 8)], [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  assert.equal(bytes.readUInt16LE(8), header.length);
  assert.match(header, /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 7, 7, 2048\), \} *\n$/);
  assert.equal(values.length, 2 * 7 * 7 * 2048);
  assert.equal(bytes.length, 128 + 4 * values.length);
  assert.ok(values.every((value) => value >= 0 && value < 2));
});

test('the median is the middle value, or the mean of the two middle ones', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.throws(() => median([]), /no values/);
});
