import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ZERO, openMatrixProduct } from '../../../core/embedding/matrix-product.ts';
import { Random } from '../../../core/random.ts';

describe('the products of a matrix of whole numbers with vectors', () => {
  for (const [rows, columns, count] of [
    [1, 1, 1],
    [70, 130, 2],
    [256, 1000, 2],
  ] as const) {
    it(`are what loops give, for ${rows} x ${columns} and ${count} vectors, also asked for at once`, async () => {
      const random = new Random(rows);
      // The ends are where processors might overflow.
      const matrix = Int8Array.from(
        { length: rows * columns },
        () => [-63, 63, random.below(127) - 63][random.below(3)] ?? 0,
      );
      const all = [1, 2].map(() =>
        Uint8Array.from({ length: count * rows }, () => [0, 255, random.below(256)][random.below(3)] ?? 0),
      );
      const product = await openMatrixProduct(matrix, rows, count);

      const found = await Promise.all(all.map((vectors) => product.products(vectors.slice())));

      for (const [i, vectors] of all.entries()) {
        const expected = Array.from({ length: count * columns }, (_, at) => {
          const [vector, column] = [Math.floor(at / columns), at % columns];
          let sum = 0;
          for (let row = 0; row < rows; row++) {
            sum += ((vectors[vector * rows + row] ?? 0) - ZERO) * (matrix[row * columns + column] ?? 0);
          }
          return sum;
        });
        assert.deepEqual([...(found[i] ?? [])], expected);
      }
      product.close();
    });
  }

  it('are refused after the end', async () => {
    const product = await openMatrixProduct(Int8Array.of(1, 2), 2, 1);
    const vector = Uint8Array.of(ZERO + 3, ZERO + 4);
    const last = product.products(vector.slice());
    product.close();

    assert.deepEqual(await last, Int32Array.of(11));
    await assert.rejects(product.products(vector), { name: 'EngineFailedError' });
  });
});
