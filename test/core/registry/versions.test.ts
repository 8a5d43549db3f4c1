import assert from 'node:assert/strict';
import { CorruptDataError, NotFoundError } from '../../../core/errors.ts';
import { bytes, draft, onEachStore } from './support.ts';

const PREFIX = 'models/cats/versions/1/';

onEachStore('reading versions', (test) => {
  test('names a damaged file, one of another size and a missing one', async ({ registry, store }) => {
    await registry.publish(
      'cats',
      draft({ files: { a: bytes('aaa'), b: bytes('bbb'), c: bytes('c'), d: bytes('d') } }),
    );
    await store.put(`${PREFIX}a`, bytes('aXa'));
    await store.put(`${PREFIX}b`, bytes('bb'));
    await store.delete(`${PREFIX}c`);
    const says = (pattern: RegExp) => (error: unknown) =>
      error instanceof CorruptDataError && pattern.test(error.message);
    await assert.rejects(
      registry.file('cats', 1, 'a'),
      says(/versions\/1\/a" is damaged: its SHA-256.*backup/),
    );
    await assert.rejects(
      registry.file('cats', 1, 'b'),
      says(/versions\/1\/b" is damaged: 2 bytes instead of 3/),
    );
    await assert.rejects(registry.file('cats', 1, 'c'), says(/versions\/1\/c" is missing/));
    assert.deepEqual(await registry.file('cats', 1, 'd'), bytes('d'));
    assert.deepEqual(
      (await registry.verify('cats', 1)).map(({ file }) => file),
      ['a', 'b', 'c'],
    );
  });

  test('says which files there are when asked for another', async ({ registry }) => {
    await registry.publish('cats', draft());
    await assert.rejects(registry.file('cats', 1, 'galery.arrow'), /Did you mean "gallery\.arrow"/);
    await assert.rejects(registry.file('cats', 1, 'constructor'), NotFoundError);
    await assert.rejects(registry.file('cats', 1, '../../x'), NotFoundError);
  });

  test('notices every change to a manifest', async ({ registry, store }) => {
    const good = await registry.publish('cats', draft());
    await registry.publish('dogs', draft());
    const key = `${PREFIX}manifest.json`;
    const original = await store.get(key);
    assert.ok(original);
    const text = Buffer.from(original.bytes).toString();
    const tampered: [string, RegExp][] = [
      [text.replace('0.9', '0.99'), /changed after it was written/],
      [text.replace('"size": 7', '"size": 8'), /changed after it was written/],
      [text.replace('"seed": 7', '"seed": 7, "note": "hi"'), /changed after it was written/],
      [text.slice(0, -20), /not JSON/],
      ['', /not JSON/],
      ['null', /not an object/],
      ['[]', /changed after it was written/],
      [text.replace('"schemaVersion": 1', '"schemaVersion": 2'), /schemaVersion is 2.*newer Kindred/],
      [
        Buffer.from((await store.get('models/dogs/versions/1/manifest.json'))?.bytes ?? '').toString(),
        /of "dogs"/,
      ],
    ];
    for (const [content, message] of tampered) {
      await store.put(key, bytes(content));
      await assert.rejects(registry.manifest('cats', 1), (error: unknown) => {
        assert.ok(error instanceof CorruptDataError);
        assert.match(error.message, message);
        assert.match(error.message, /models\/cats\/versions\/1\/manifest\.json/);
        return true;
      });
    }
    await store.put(key, bytes(JSON.stringify(JSON.parse(text))));
    assert.deepEqual(await registry.manifest('cats', 1), good);
  });

  test('resolves references and says what exists otherwise', async ({ registry, publish }) => {
    await assert.rejects(registry.resolve('cats'), /no model "cats".*There is no model in this registry yet/);
    await publish(3);
    await assert.rejects(registry.resolve('cats'), /no alias "production".*no alias of it yet.*cats@N/);
    await registry.move('cats', 'production', 2, { by: 'me', why: '' });
    await registry.move('cats', 'staging', 3, { by: 'me', why: '' });
    assert.deepEqual(await registry.resolve('cats'), { model: 'cats', version: 2, alias: 'production' });
    assert.deepEqual(await registry.resolve('cats@staging'), { model: 'cats', version: 3, alias: 'staging' });
    assert.deepEqual(await registry.resolve('cats@1'), { model: 'cats', version: 1, alias: null });
    await assert.rejects(registry.resolve('cast'), /Did you mean "cats"/);
    await assert.rejects(
      registry.resolve('cats@stagin'),
      /Did you mean "staging"\? There are: production, staging/,
    );
    await assert.rejects(registry.resolve('cats@7'), /no version 7\. There are: 3, 2, 1/);
  });

  test('does not take foreign files for models, versions, aliases or data sets', async ({
    registry,
    store,
    publish,
  }) => {
    await publish(1);
    await store.put('models/Not A Model/versions/1/manifest.json', bytes('{}'));
    await store.put('models/dogs/versions/latest/manifest.json', bytes('{}'));
    await store.put('models/cats/versions/01/manifest.json', bytes('{}'));
    await store.put('models/cats/versions/2', bytes('a file'));
    await store.put('models/cats/aliases/production (copy).json', bytes('{}'));
    await store.put('datasets/My Photos/a/1.jpg', bytes('a picture'));
    assert.deepEqual(await registry.models(), ['cats']);
    assert.deepEqual(await registry.versions('cats'), [1]);
    assert.deepEqual(await registry.aliases('cats'), []);
    assert.deepEqual(await registry.dataSets(), []);
    assert.deepEqual(
      (await registry.leftovers()).map(({ model }) => model),
      [],
    );
    assert.deepEqual(await registry.versions('nothing'), []);
  });
});
