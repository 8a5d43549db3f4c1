import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { embedPictures } from '../../../core/embedding/embed-pictures.ts';
import { ENGINES } from '../../../core/embedding/embedder.ts';
import type { EngineName } from '../../../core/embedding/embedder.ts';
import { createDecider } from '../../../core/gallery/decision.ts';
import { createSearch } from '../../../core/gallery/search.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { openVersion } from '../../../core/registry/open-version.ts';
import { Place } from '../jobs/support.ts';

describe('a version on both engines', () => {
  let place: Place;
  let pictures: readonly Picture[];
  before(async () => {
    place = new Place();
    const options = { epochs: 1, scales: [1, 0.694], dimensions: 8 };
    await place.train(await place.newJob('metric', { options }));
    await place.train(await place.newJob('siamese', { model: 'flat', options: { epochs: 0 } }));
    pictures = (await place.pictures('test')).pictures;
  });
  after(() => place.close());

  /** What an engine makes of the test pictures, and what it is. */
  async function answers(model: string, engine: EngineName) {
    const resolved = { model, version: 1, alias: null };
    const { embedder, gallery, calibration } = await openVersion(place.registry, resolved, { engine });
    const { embeddings } = await embedPictures(embedder, pictures);
    embedder.dispose();
    const decide = createDecider(createSearch(gallery), { top: 3, calibration });
    const rows = pictures.map((_, i) =>
      embeddings.subarray(i * embedder.dimensions, (i + 1) * embedder.dimensions),
    );
    return { name: embedder.engine['name'], rows, classes: rows.map((row) => decide(row).class) };
  }

  for (const model of ['clothes', 'flat']) {
    it(`gives nearly the same embeddings, and the same classes: ${model}`, async () => {
      const [onnx, tfjs] = [await answers(model, 'onnx'), await answers(model, 'tfjs')];

      assert.deepEqual([onnx.name, tfjs.name], ['onnxruntime', 'tensorflow']);
      assert.deepEqual(onnx.classes, tfjs.classes);
      for (const [i, row] of onnx.rows.entries()) {
        const cosine = cosineOf(row, tfjs.rows[i] as Float32Array);
        assert.ok(cosine >= 0.99999, `${pictures[i]?.key}: ${cosine}`);
      }
    });
  }

  it('keeps one model of the network for each, and says which engine embedded its gallery', async () => {
    const { files, engine } = await place.registry.manifest('clothes', 1);

    assert.deepEqual([...ENGINES].toSorted(), ['onnx', 'tfjs']);
    for (const name of ['embedding.onnx', 'network/model.json', 'network/weights.bin'])
      assert.ok(files[name]);
    assert.equal(engine['name'], 'tensorflow');
    assert.match(engine['embeddings'] ?? '', /^onnxruntime \d+\.\d+\.\d+ CPU$/);
  });

  it('is named where it lacks what an engine needs', async () => {
    const { registry } = place;
    const { files, ...manifest } = await registry.manifest('clothes', 1);
    const { recipe, seed, dataSet, libraries, engine, metrics, createdBy } = manifest;
    const others: Record<string, Uint8Array> = {};
    for (const name of Object.keys(files).filter((one) => one !== 'embedding.onnx'))
      others[name] = await registry.file('clothes', 1, name);
    const draft = { recipe, seed, dataSet, libraries, engine, metrics, createdBy, files: others };
    const { version } = await registry.publish('clothes', draft);
    const resolved = { model: 'clothes', version, alias: null };

    await assert.rejects(openVersion(registry, resolved), {
      name: 'NotFoundError',
      message: new RegExp(`^clothes@${version} has no embedding\\.onnx.*--engine tfjs`),
    });
    const { embedder } = await openVersion(registry, resolved, { engine: 'tfjs' });
    embedder.dispose();
  });
});

function cosineOf(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number =>
    x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
