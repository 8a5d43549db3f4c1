import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openDataSet } from '../../../../core/images/open-dataset.ts';
import { resnet50 } from '../../../../core/network/backbones/resnet50.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import { pooledFromPictures } from '../../../../core/training/baseline.ts';
import { checkData, dataCheckSchema, summaryOf } from '../../../../core/training/data-check/index.ts';
import type { DataCheck, Finding } from '../../../../core/training/data-check/index.ts';
import type { SafetensorsFile } from '../../../../core/network/safetensors.ts';
import { openBackbone } from '../../../support/backbone.ts';
import { copies, samples } from './pictures.ts';

const CLASSES = ['hat', 'pants', 'shoes', 'skirt'];
const PREPROCESSING = { size: 128, fit: 'squash', kernel: 'cubic' } as const;

/** A folder with a data set to learn from and one to judge on, and what is found in them. */
class Place {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-check-'));

  constructor(count: number) {
    mkdirSync(this.in('features'));
    for (const name of CLASSES) {
      for (const [part, some] of [
        ['train', samples(name, count)],
        ['test', samples(name, 2, 'test')],
      ] as const) {
        mkdirSync(this.in(part, name), { recursive: true });
        for (const [file, bytes] of some) writeFileSync(this.in(part, name, file), bytes);
      }
    }
  }

  in(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** The key of a training picture. */
  key(className: string, at: number): string {
    return `${className}/${readdirSync(this.in('train', className)).toSorted()[at]}`;
  }

  async check(backbone: SafetensorsFile, withTest = true): Promise<DataCheck> {
    const part = async (name: string) => {
      const { pictures, problems } = await openDataSet(fsStore(this.in(name)), '', { fewestClasses: 1 });
      const request = { weightsId: 'backbone', preprocessing: PREPROCESSING, folder: this.in('features') };
      return {
        ...(await pooledFromPictures({ backbone: resnet50, pretrained: backbone }, { ...request, pictures })),
        problems,
      };
    };
    return checkData({ training: await part('train'), test: withTest ? await part('test') : null });
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const findings = ({ results }: DataCheck, name: string): readonly Finding[] =>
  results.find(({ check }) => check === name)?.findings ?? [];
const keys = ({ pictures }: Finding): string[] => pictures.map(({ key }) => key);

describe('the check of data', () => {
  let backbone: SafetensorsFile;
  before(() => (backbone = openBackbone()));
  after(() => backbone.close());

  it('finds nothing in clean pictures, and says what it looked at', async () => {
    const place = new Place(8);
    try {
      const tensors = tf.memory().numTensors;
      const check = await place.check(backbone);

      // At this size a skirt may look like trousers; that much is advice.
      const faults = check.results.filter(({ check: name }) => name !== 'alike-classes');
      assert.deepEqual(
        faults.filter(({ count }) => count > 0),
        [],
      );
      assert.deepEqual([check.pictures, check.classes, check.testPictures], [32, 4, 8]);
      assert.deepEqual(dataCheckSchema.parse(JSON.parse(JSON.stringify(check))), check);
      assert.deepEqual(summaryOf({ ...check, results: faults }), [
        'Checked 32 images in 4 classes and 8 test images: no problems found.',
      ]);
      assert.equal(tf.memory().numTensors, tensors);
    } finally {
      place.close();
    }
  });

  it('finds a wrong label, the class that it should be, and pictures that show it', async () => {
    const place = new Place(12);
    try {
      const moved = place.key('shoes', 0).slice('shoes/'.length);
      renameSync(place.in('train', 'shoes', moved), place.in('train', 'hat', moved));

      const [found, ...others] = findings(await place.check(backbone), 'wrong-labels');

      assert.deepEqual(others, []);
      assert.deepEqual(found && keys(found), [`hat/${moved}`]);
      assert.deepEqual(found?.classes, ['hat', 'shoes']);
      assert.ok(found.evidence.length > 0 && found.evidence.every((each) => each.class === 'shoes'));
      assert.ok(found.certainty > 0.5 && found.certainty <= 1);
    } finally {
      place.close();
    }
  });

  it('finds a wrong label of a test picture', async () => {
    const place = new Place(8);
    try {
      const [wrong = ''] = readdirSync(place.in('test', 'pants'));
      renameSync(place.in('test', 'pants', wrong), place.in('test', 'shoes', wrong));
      const found = findings(await place.check(backbone), 'wrong-labels');
      assert.deepEqual(found.flatMap(keys), [`shoes/${wrong}`]);
      assert.equal(found[0]?.pictures[0]?.part, 'test');
    } finally {
      place.close();
    }
  });

  for (const [how, copy] of Object.entries(copies)) {
    it(`finds a picture ${how}: twice in a class, under two classes, and on both sides of a split`, async () => {
      const place = new Place(4);
      try {
        const [original, another, third] = ['hat', 'pants', 'skirt'].map((name) => place.key(name, 1)) as [
          string,
          string,
          string,
        ];
        const put = async (key: string, to: string): Promise<void> => {
          const [, bytes] = samples(key.split('/')[0] ?? '', 4).find(([name]) => key.endsWith(name)) ?? [];
          writeFileSync(place.in(to), await copy(bytes as Buffer));
        };
        await put(original, 'train/hat/twice.jpg');
        await put(another, 'train/shoes/elsewhere.jpg');
        await put(third, 'test/skirt/leak.jpg');

        const check = await place.check(backbone);

        assert.deepEqual(findings(check, 'near-duplicates').map(keys), [[original, 'hat/twice.jpg']]);
        assert.deepEqual(findings(check, 'split-leaks').map(keys), [['skirt/leak.jpg', third]]);
        // Mirrored, a thing may be another one.
        const expected = how === 'mirrored' ? [] : [[another, 'shoes/elsewhere.jpg']];
        assert.deepEqual(findings(check, 'contradictions').map(keys), expected);
      } finally {
        place.close();
      }
    });
  }

  it('finds the same file on both sides, under two classes, unusable files and thin classes', async () => {
    const place = new Place(4);
    try {
      const [leaked, doubled] = [place.key('hat', 0), place.key('pants', 0)];
      cpSync(place.in('train', leaked), place.in('test/hat/leak.jpg'));
      cpSync(place.in('train', doubled), place.in('train/shoes/doubled.jpg'));
      writeFileSync(place.in('train/hat/notes.jpg'), 'no picture');
      mkdirSync(place.in('train/dress'));
      for (const [name, bytes] of samples('dress', 1)) writeFileSync(place.in('train/dress', name), bytes);

      const check = await place.check(backbone);

      assert.deepEqual(findings(check, 'split-leaks').map(keys), [['hat/leak.jpg', leaked]]);
      assert.deepEqual(findings(check, 'contradictions').map(keys), [[doubled, 'shoes/doubled.jpg']]);
      assert.deepEqual(findings(check, 'unusable-files').map(keys), [['hat/notes.jpg']]);
      assert.deepEqual(
        findings(check, 'thin-classes').map(({ classes }) => classes),
        [['dress']],
      );
      assert.match(summaryOf(check).join('\n'), /3 to repair/);
    } finally {
      place.close();
    }
  });

  it('says what it could not look for', async () => {
    const place = new Place(1);
    try {
      const { results } = await place.check(backbone, false);
      const skipped = results.filter((each) => each.skipped !== null).map(({ check }) => check);
      assert.deepEqual(skipped, ['split-leaks', 'wrong-labels', 'alike-classes']);
    } finally {
      place.close();
    }
  });
});
