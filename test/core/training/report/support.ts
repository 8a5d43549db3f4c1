import { calibrate } from '../../../../core/gallery/calibration.ts';
import { createGallery } from '../../../../core/gallery/gallery.ts';
import type { CheckResult } from '../../../../core/training/data-check/index.ts';
import {
  type BackboneFeatures,
  evaluateBaseline,
  evaluateWithAnswers,
} from '../../../../core/training/evaluation/index.ts';
import { chooseExamples } from '../../../../core/training/report/examples.ts';
import type { ReportData } from '../../../../core/training/report/index.ts';
import type { ShownPicture } from '../../../../core/training/report/images.ts';
import { normals } from '../../../support/numbers.ts';
import { sha256Of } from '../../gallery/support.ts';
import { randomLabelled } from '../evaluation/support.ts';

/** One grey pixel. */
const PIXEL: ShownPicture = {
  width: 1,
  height: 1,
  address: 'data:image/gif;base64,R0lGODlhAQABAIAAAMLCwgAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==',
};

export interface Shape {
  readonly queries?: number;
  readonly gallery?: number;
  readonly classes?: number;
  /** What class i is called. */
  readonly name?: (i: number) => string;
}

/** What a training of clouds of points would tell, with everything that a report can show. */
export function reportData({
  queries: asked = 60,
  gallery: held = 40,
  classes = 5,
  name = (i) => `class ${i}`,
}: Shape = {}): ReportData {
  const named = (rows: number, seed: number) => {
    const found = randomLabelled(rows, classes, seed);
    const names = found.classes.map((one) => name(Number(one.replace('class ', ''))));
    const keys = names.map((one, i) => `${one}/${i}.jpg`);
    return createGallery({
      ...found,
      keys,
      classes: names,
      sha256: keys.map((key) => sha256Of(`${seed} ${key}`)),
    });
  };
  const [queries, gallery] = [named(asked, 1), named(held, 2)];
  const noise = ({ sha256 }: typeof gallery, seed: number): BackboneFeatures => ({
    dimensions: 4,
    sha256,
    embeddings: normals(sha256.length * 4, seed),
  });
  const rule = 'nearest' as const;
  const { evaluation, answers } = evaluateWithAnswers(queries, gallery, rule);
  const calibration = calibrate(gallery);
  const features = [noise(queries, 3), noise(gallery, 4)];
  return {
    model: 'clouds',
    madeAt: '2026-11-23T21:00:00.000Z',
    madeBy: 'a test',
    job: '01M84YRMZV6TBXBVPT7N8ZDX7T',
    recipe: { name: 'metric', options: { size: 288, scales: [1, 0.694], miner: 'batch-hard' } },
    seed: 7,
    parameters: { trainable: 1000, other: 23 },
    libraries: { kindred: '0.1.0', node: '20.0.0' },
    engine: { name: 'tensorflow', device: 'CPU' },
    train: { name: 'photos', pictures: held, classes, digest: 'ab'.repeat(32) },
    test: { name: 'more photos', pictures: asked, classes, digest: 'cd'.repeat(32) },
    heldOut: false,
    shared: 0,
    gallery: { pictures: held, classes },
    curve: [1, 2, 3].map((epoch) => ({
      epoch,
      loss: 0.5 / epoch,
      active: 0.9 / epoch,
      validationLoss: 0.6 / epoch,
      validationAccuracy: 0.6 + epoch / 10,
      seconds: 12,
    })),
    epoch: 2,
    collapse: 'all embeddings fell on one point',
    tried: [
      { shrinkage: 0.2, rule: 'class-mean', accuracy: 0.75, accuracyWithAdded: 0.5, taken: false },
      { shrinkage: 0.2, rule: 'nearest', accuracy: 0.75, accuracyWithAdded: null, taken: true },
    ],
    seconds: 75,
    evaluation,
    baseline: evaluateBaseline({ queries, gallery, rule, answers, features }),
    calibration,
    examples: chooseExamples({ queries, gallery, rule, answers, calibration }),
    dataCheck: {
      pictures: held,
      classes,
      testPictures: asked,
      results: [wrongLabel(gallery.keys, gallery.classes), NOTHING_FOUND],
    },
    pictures: () => PIXEL,
  };
}

function wrongLabel(keys: readonly string[], classes: readonly string[]): CheckResult {
  const one = (row: number) => ({
    part: 'training' as const,
    key: keys[row] ?? '',
    class: classes[row] ?? '',
  });
  return {
    check: 'wrong-labels',
    title: 'Labels that look wrong',
    severity: 'repair',
    suggestion: 'Look at them, and move those that are wrong.',
    count: 1,
    findings: [
      {
        message: `${keys[0]} looks like ${classes[1]}`,
        pictures: [one(0)],
        evidence: [one(1), one(2)],
        classes: [classes[0] ?? '', classes[1] ?? ''],
        certainty: 0.9,
      },
    ],
    skipped: null,
  };
}

const NOTHING_FOUND: CheckResult = {
  check: 'leaks',
  title: 'Test pictures that are learnt from',
  severity: 'repair',
  suggestion: 'Take them out.',
  count: 0,
  findings: [],
  skipped: 'there is no test set',
};
