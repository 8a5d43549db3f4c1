import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeGallery } from '../../core/gallery/arrow.ts';
import { openDataSet } from '../../core/images/open-dataset.ts';
import { resnet50 } from '../../core/network/backbones/resnet50.ts';
import { Network } from '../../core/network/network.ts';
import { ParameterStore, fromFile } from '../../core/network/parameters.ts';
import { Random } from '../../core/random.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { Checkpoints } from '../../core/training/checkpoint.ts';
import { distances } from '../../core/training/distances/index.ts';
import { frozenFeatures } from '../../core/training/features.ts';
import { galleryOfRows } from '../core/gallery/support.ts';
import { storageContract } from '../core/storage/contract.ts';
import { cloud, drawnLabels, listed, squaredDistances, tiedMatrix } from '../core/training/batches.ts';
import { batches, evaluate, far } from '../core/training/losses/cases.ts';
import { openBackbone } from '../support/backbone.ts';
import { runPython } from '../support/python.ts';
import { easyPositive } from './examples/easy-positive.ts';
import { jsonFileStore } from './examples/json-file.ts';
import { projection } from './examples/projection.ts';
import { ratio } from './examples/ratio.ts';
import { ROOT, codeBlocks, page, pages } from './support.ts';

/** The example as it stands in its place: imports lead from there. */
function movedTo(place: string, example: string): string {
  const code = readFileSync(path.join(ROOT, example), 'utf8');
  return code.replace(/(?<= from ')\.[^']+(?=';)/g, (specifier) => {
    const file = path.posix.join(path.posix.dirname(example), specifier);
    const relative = path.posix.relative(path.posix.dirname(place), file);
    return relative.startsWith('.') ? relative : `./${relative}`;
  });
}

describe('code in the guides', () => {
  const samples = pages().flatMap((each) =>
    codeBlocks(each).flatMap(({ code, note }) => {
      const { place = '', example = '' } = /^(?<place>\S+) is (?<example>\S+)$/.exec(note)?.groups ?? {};
      return place === '' ? [] : [{ file: each.file, place, example, code }];
    }),
  );

  it('comes from tested files', () => {
    const typescript = codeBlocks(page('docs/extending.md')).filter(({ language }) => language === 'ts');
    assert.equal(samples.filter(({ file }) => file === 'docs/extending.md').length, 5);
    assert.equal(typescript.filter(({ note }) => / is /.test(note)).length, 5);
    assert.ok(samples.some(({ file }) => file === 'docs/classifying.md'));
  });

  for (const { file, place, example, code } of samples) {
    it(`is the file it names: ${example} in ${file}`, () => {
      assert.equal(code, movedTo(place, example));
    });
  }
});

describe('the example of a loss', () => {
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

  for (const distance of Object.values(distances)) {
    it(`has the value of its formula, and goes down along its gradient: ${distance.name}`, () => {
      const loss = ratio.create({ scale: 2, reduction: 'sum' });
      const measure = far[distance.name as keyof typeof far];
      for (const batch of Object.values(batches())) {
        const at = (i: number | undefined): number[] => batch.rows[i as number] as number[];
        const violations = batch.triplets.map(([a, p, n]) => measure(at(a), at(p)) - measure(at(a), at(n)));
        const expected = violations.reduce((sum, each) => sum + sigmoid(2 * each) ** 2, 0);

        const first = evaluate({ loss, distance }, batch);
        const length = Math.hypot(...first.gradient);
        const rows = batch.rows.map((row, i) =>
          row.map((x, k) => x - (0.001 * (first.gradient[i * row.length + k] as number)) / length),
        );
        const second = evaluate({ loss, distance }, { ...batch, rows });

        assert.ok(Math.abs(first.loss - expected) <= 1e-4 * Math.max(1, expected));
        assert.equal(first.active, violations.filter((each) => each > 0).length / violations.length);
        assert.ok(second.loss < first.loss);
      }
    });
  }
});

describe('the example of a miner', () => {
  it('chooses what loops over everything choose', () => {
    for (const matrix of [squaredDistances(cloud(24, 3, 1)), tiedMatrix(24, 3, true, 2)]) {
      const labels = drawnLabels(24, 5, 3);
      const rows = [...labels.keys()];
      const distance = (a: number, b: number): number =>
        (matrix.largerIsCloser ? -1 : 1) * (matrix.values[a * 24 + b] as number);
      const nearest = (a: number, among: number[]): number | undefined =>
        among.toSorted((x, y) => distance(a, x) - distance(a, y) || x - y)[0];
      const expected = rows
        .toSorted((a, b) => (labels[a] as number) - (labels[b] as number) || a - b)
        .map((a) => {
          const own = rows.filter((row) => row !== a && labels[row] === labels[a]);
          return [
            a,
            nearest(a, own),
            nearest(
              a,
              rows.filter((row) => labels[row] !== labels[a]),
            ),
          ];
        })
        .filter(([, positive]) => positive !== undefined);

      const found = easyPositive.create().mine(matrix, labels, new Random(1));

      assert.deepEqual(listed(found), expected);
    }
  });
});

describe('the example of a recipe', () => {
  it('learns to tell classes apart', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-docs-'));
    const backbone = openBackbone();
    try {
      const { pictures } = await openDataSet(fsStore(path.join(ROOT, 'samples/clothing10/train')), '', {
        verify: 'header',
      });
      const some = pictures.filter(({ className }) => ['hat', 'pants', 'shoes'].includes(className));
      const options = projection.options.parse({ size: 64, dimensions: 16, epochs: 2 });
      const recipe = await projection.load();
      const { graph, nodes } = recipe.frozen(options, resnet50);
      const network = new Network(graph, new ParameterStore(graph, fromFile(backbone)));
      const features = await frozenFeatures({
        network,
        weightsId: 'imagenet',
        preprocessing: recipe.preprocessing(options),
        nodes,
        pictures: some,
        folder: path.join(folder, 'features'),
      });
      const labels = Int32Array.from(some, ({ className }) => ['hat', 'pants', 'shoes'].indexOf(className));

      const trained = await recipe.train(options, {
        backbone: resnet50,
        pretrained: backbone,
        train: { features: features.tensors, labels },
        validation: null,
        seed: 1,
        checkpoints: new Checkpoints({ store: memoryStore(), prefix: 'x/', scratch: folder }, 'x'),
        resume: 'no',
        checkpointSeconds: 1e9,
        report: () => undefined,
      });

      const [first, second] = trained.curve;
      assert.ok(first && second && second.loss < first.loss, JSON.stringify(trained.curve));
      assert.equal(trained.epoch, 2);
      trained.dispose();
      features.dispose();
      network.dispose();
    } finally {
      backbone.close();
      rmSync(folder, { recursive: true });
    }
  });
});

storageContract('example', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-docs-'));
  return {
    store: jsonFileStore(path.join(folder, 'store.json')),
    close: async () => rmSync(folder, { recursive: true }),
  };
});

describe('the example in Python', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-docs-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('reads a gallery', async () => {
    const gallery = galleryOfRows([
      ['hat/1.jpg', [1, 2, 3]],
      ['hat/2.jpg', [4, 5, 6]],
      ['shoes/1.jpg', [7, 8, 9]],
    ]);
    writeFileSync(path.join(folder, 'gallery.arrow'), await writeGallery(gallery));
    const script = readFileSync(path.join(ROOT, 'test/docs/examples/read_gallery.py'), 'utf8');

    const printed = await runPython(script, [path.join(folder, 'gallery.arrow')]);

    const sha256 = gallery.sha256[0]?.slice(0, 12);
    assert.deepEqual(printed.trimEnd().split('\n'), ['hat 2', 'shoes 1', `hat/1.jpg ${sha256} 3 numbers`]);
  });
});
