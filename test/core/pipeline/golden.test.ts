import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { CorruptDataError, SkewError } from '../../../core/errors.ts';
import { readGolden, writeGolden } from '../../../core/gallery/arrow-golden.ts';
import { openVersion } from '../../../core/registry/open-version.ts';
import type { OpenedVersion } from '../../../core/registry/open-version.ts';
import { Place } from '../jobs/support.ts';

describe('the golden pictures of a version', () => {
  let place: Place;
  before(async () => {
    place = new Place();
    await place.train(await place.newJob('metric', { options: { epochs: 0 } }));
  });
  after(() => place.close());

  const open = (version: number): Promise<OpenedVersion> =>
    openVersion(place.registry, { model: 'clothes', version, alias: null });

  /** Publishes version 1 again, with another file of golden pictures or without one. */
  async function again(golden: Uint8Array | null): Promise<number> {
    const { registry } = place;
    const { recipe, seed, dataSet, libraries, engine, metrics, createdBy } = await registry.manifest(
      'clothes',
      1,
    );
    const bytes = await place.files();
    delete bytes['golden.arrow'];
    if (golden !== null) bytes['golden.arrow'] = golden;
    const draft = { recipe, seed, dataSet, libraries, engine, metrics, createdBy, files: bytes };
    return (await registry.publish('clothes', draft)).version;
  }

  it('are published with it, and reproduced when it is opened', async () => {
    const golden = readGolden(await place.registry.file('clothes', 1, 'golden.arrow'), 'golden.arrow');
    const { embedder } = await open(1);
    embedder.dispose();

    assert.equal(golden.pictures.length, 3);
    assert.equal(golden.pictures[0]?.name, 'test card');
    assert.match(golden.madeBy, /^tensorflow /);
  });

  it('keep a version from answering that does not reproduce them', async () => {
    const golden = readGolden(await place.registry.file('clothes', 1, 'golden.arrow'), 'golden.arrow');
    const [first, second] = golden.pictures;
    assert.ok(first && second);
    const other = { ...golden, pictures: [first, { ...second, embedding: first.embedding }] };
    const version = await again(await writeGolden(other));

    await assert.rejects(open(version), (error: unknown) => {
      assert.ok(error instanceof SkewError);
      assert.ok(error.message.startsWith(`clothes@${version} does not answer here`), error.message);
      assert.ok(error.message.includes(`"${second.name}"`), error.message);
      return true;
    });
  });

  it('keep a version from answering that has none', async () => {
    const version = await again(null);

    await assert.rejects(open(version), {
      name: SkewError.name,
      message: new RegExp(`^clothes@${version} has no golden pictures.*Train it again`),
    });
  });

  it('are named when another file stands in their place', async () => {
    const version = await again(await place.registry.file('clothes', 1, 'training.json'));

    await assert.rejects(open(version), {
      name: CorruptDataError.name,
      message: new RegExp(`^"models/clothes/versions/${version}/golden\\.arrow" is damaged`),
    });
  });

  it('are named when their file was changed', async () => {
    const version = await again(await place.registry.file('clothes', 1, 'golden.arrow'));
    const { files } = await place.registry.manifest('clothes', version);
    const file = place.in(`registry/models/clothes/versions/${version}/golden.arrow`);
    writeFileSync(file, readFileSync(file).fill(0, 1000, 1001));
    assert.ok(files['golden.arrow']);

    await assert.rejects(place.registry.file('clothes', version, 'golden.arrow'), {
      name: CorruptDataError.name,
      message: new RegExp(`^The file "models/clothes/versions/${version}/golden\\.arrow" is damaged`),
    });
  });
});
