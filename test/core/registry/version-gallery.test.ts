import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { embedPictures } from '../../../core/embedding/embed-pictures.ts';
import { CorruptDataError } from '../../../core/errors.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { openGallery, openVersion } from '../../../core/registry/open-version.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import {
  embedGallery,
  followVersionGallery,
  readVersionGallery,
} from '../../../core/registry/version-gallery.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { OTHER, SHARP, add, picture, pictures, publishColours } from './colours.ts';

const version = (number: number) => ({ model: 'colours', version: number, alias: null });

/** Two versions of one model, whose networks differ. */
async function twoVersions(registry: Registry): Promise<void> {
  const train = await pictures(['red', 'green'], 0, 2);
  await publishColours(registry, SHARP, train);
  await publishColours(registry, OTHER, train);
}

/** The embedding of an image in a version's gallery. */
async function embeddingOf(registry: Registry, number: number, { sha256 }: Picture): Promise<Float32Array> {
  const { gallery } = await openGallery(registry, version(number));
  const row = gallery.sha256.indexOf(sha256);
  assert.ok(row >= 0, `version ${number} has it`);
  return gallery.embeddings.slice(row * 3, row * 3 + 3);
}

async function embedded(registry: Registry, number: number, image: Picture): Promise<Float32Array> {
  const { embedder } = await openVersion(registry, version(number));
  try {
    return (await embedPictures(embedder, [image])).embeddings;
  } finally {
    embedder.dispose();
  }
}

describe("a version's gallery", () => {
  it('has what was added to the model, embedded by its own network, in every version', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const blue = await picture('blue', 1);
    await add(registry, 1, [blue]);

    for (const number of [1, 2]) {
      assert.deepEqual(await embeddingOf(registry, number, blue), await embedded(registry, number, blue));
    }
    assert.notDeepEqual(await embeddingOf(registry, 1, blue), await embeddingOf(registry, 2, blue));
  });

  it('embeds an image once, and again when the cache of embeddings is lost or damaged', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const blue = await picture('blue', 1);
    await add(registry, 1, [blue]);
    let count = 0;
    const open = async (): Promise<number> => {
      // As another process would: this one remembers what it has embedded.
      const other = openRegistry({ ...registry.store });
      const opened = await readVersionGallery(other, version(2));
      const { embedder } = await openVersion(registry, { ...version(1) });
      count = 0;
      try {
        const { gallery, missing } = await embedGallery(other, 'colours', opened, async (images) => {
          count += images.length;
          return embedPictures(embedder, images);
        });
        assert.deepEqual([gallery.keys.length, missing], [5, []]);
      } finally {
        embedder.dispose();
      }
      return count;
    };
    const files = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const { key } of registry.store.list('models/colours/embeddings/')) keys.push(key);
      return keys;
    };

    assert.deepEqual([await open(), await open()], [1, 0]);
    for (const key of await files()) await registry.store.put(key, new Uint8Array([1, 2, 3]));
    assert.deepEqual([await open(), await open()], [1, 0]);
    for (const key of await files()) await registry.store.delete(key);
    assert.deepEqual([await open(), await open()], [1, 0]);
  });

  it('leaves an image out that is stored nowhere any more, and says so', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const blue = await picture('blue', 1);
    await add(registry, 1, [blue]);
    await registry.store.delete(`blobs/${blue.sha256}`);

    const { gallery, missing } = await openGallery(registry, version(2));

    assert.deepEqual(
      [gallery.keys.length, missing.map(({ image }) => [image.key, image.sha256])],
      [4, [['blue/1.png', blue.sha256]]],
    );
    assert.equal((await openGallery(registry, version(1))).missing.length, 0, 'its embedding is there');
  });

  it('is followed without reading again what is known', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const before = await readVersionGallery(registry, version(1));

    assert.equal(await followVersionGallery(registry, 'colours', before), before);
    await add(registry, 1, [await picture('blue', 1)]);
    const after = await followVersionGallery(registry, 'colours', before);
    assert.deepEqual(
      after.contents.images.map(({ key }) => key),
      ['blue/1.png', 'green/0.png', 'green/1.png', 'red/0.png', 'red/1.png'],
    );
  });

  it('that another network made is refused', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const two = await registry.manifest('colours', 2);
    const { recipe, seed, dataSet, libraries, engine, metrics, createdBy } = two;
    const files = await Promise.all(
      Object.keys(two.files).map(async (name) => [name, await registry.file('colours', 2, name)] as const),
    );
    await registry.publish('colours', {
      recipe,
      seed,
      dataSet,
      libraries,
      engine,
      metrics,
      createdBy,
      files: {
        ...Object.fromEntries(files),
        'gallery.arrow': await registry.file('colours', 1, 'gallery.arrow'),
      },
    });

    await assert.rejects(openGallery(registry, version(3)), CorruptDataError);
  });
});
