import assert from 'node:assert/strict';
import { ConflictError, InvalidInputError } from '../../../core/errors.ts';
import { bytes, onEachStore } from './support.ts';

onEachStore('data sets', (test) => {
  test('take pictures under names of any Unicode', async ({ registry, store }) => {
    const picture = { className: '猫 & Co.', file: 'Ünïcode + 100%.jpg', bytes: bytes('1') };
    const { key, written } = await registry.addToDataSet('pets', picture);
    assert.equal(key, 'datasets/pets/猫 & Co./Ünïcode + 100%.jpg');
    assert.ok(written);
    assert.ok(key.startsWith(registry.dataSetPrefix('pets')));
    assert.deepEqual((await store.get(key))?.bytes, bytes('1'));
    assert.deepEqual(await registry.dataSets(), ['pets']);
  });

  test('take the same picture twice, another one under its name only on purpose', async ({
    registry,
    store,
  }) => {
    const picture = { className: 'cat', file: '1.jpg', bytes: bytes('1') };
    await registry.addToDataSet('pets', picture);
    assert.equal((await registry.addToDataSet('pets', picture)).written, false);
    const other = { ...picture, bytes: bytes('2') };
    await assert.rejects(registry.addToDataSet('pets', other), ConflictError);
    assert.deepEqual((await store.get('datasets/pets/cat/1.jpg'))?.bytes, bytes('1'));
    await registry.addToDataSet('pets', other, { replace: true });
    assert.deepEqual((await store.get('datasets/pets/cat/1.jpg'))?.bytes, bytes('2'));
  });

  test('take no names that lead elsewhere', async ({ registry }) => {
    const good = { className: 'cat', file: '1.jpg', bytes: bytes('1') };
    for (const bad of ['', '.', '..', 'a/b', 'a\nb', 'x'.repeat(256)]) {
      await assert.rejects(registry.addToDataSet('pets', { ...good, className: bad }), InvalidInputError);
      await assert.rejects(registry.addToDataSet('pets', { ...good, file: bad }), InvalidInputError);
      await assert.rejects(registry.addToDataSet(bad, good), InvalidInputError);
    }
    assert.deepEqual(await registry.dataSets(), []);
  });
});
