import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openMatrixProduct } from '../../../core/embedding/matrix-product.ts';
import { Random } from '../../../core/random.ts';
import { assertClose } from '../../support/numbers.ts';

describe('the products of a matrix with vectors', () => {
  for (const [rows, columns] of [
    [1, 1],
    [130, 70],
    [1000, 33],
  ] as const) {
    it(`are what loops give, for ${rows} x ${columns}, also asked for at once`, async () => {
      const random = new Random(rows);
      const matrix = Float32Array.from({ length: rows * columns }, () => random.normal());
      const vectors = [1, 2].map(() => Float32Array.from({ length: columns }, () => random.normal()));
      const product = await openMatrixProduct(matrix, columns);

      const found = await Promise.all(vectors.map((vector) => product.products(vector)));

      for (const [i, vector] of vectors.entries()) {
        const expected = Array.from({ length: rows }, (_, row) =>
          vector.reduce((sum, value, d) => sum + value * (matrix[row * columns + d] ?? 0), 0),
        );
        assertClose(found[i] ?? [], expected, { tolerance: 1e-4 });
      }
      product.close();
    });
  }

  it('are refused after the end', async () => {
    const product = await openMatrixProduct(Float32Array.of(1, 2), 2);
    const last = product.products(Float32Array.of(3, 4));
    product.close();

    assert.deepEqual(await last, Float32Array.of(11));
    await assert.rejects(product.products(Float32Array.of(3, 4)), { name: 'EngineFailedError' });
  });
});
