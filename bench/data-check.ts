/**
 * How far the check of data can be believed: plants wrong labels and copies of pictures in folders of clean pictures,
 * and counts what is found.
 *
 *   node --import tsx bench/data-check.ts FOLDER ... [--trials 10] [--weights FILE]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Tensor2D } from '@tensorflow/tfjs-node';
import sharp from 'sharp';
import { backboneWeightsFile, cacheFolder } from '../core/cache.ts';
import type { Picture } from '../core/images/dataset.ts';
import { openDataSet } from '../core/images/open-dataset.ts';
import { digest } from '../core/images/picture.ts';
import { DEFAULT_BACKBONE } from '../core/network/backbones/index.ts';
import { unitLength } from '../core/network/ops/l2-normalize.ts';
import { SafetensorsFile } from '../core/network/safetensors.ts';
import { tf } from '../core/network/tensorflow.ts';
import { Random } from '../core/random.ts';
import { openStore } from '../core/storage/open.ts';
import { pooledFromPictures } from '../core/training/baseline.ts';
import type { PooledPictures } from '../core/training/baseline.ts';
import { crossFittedAnswers } from '../core/training/data-check/answers.ts';
import { findNearDuplicates } from '../core/training/data-check/near-duplicate-pairs.ts';
import { wrongLabels } from '../core/training/data-check/wrong-labels.ts';
import { loadRecipe, recipeOptions } from '../core/training/recipes/index.ts';
import { table } from './table.ts';

const { values: flags, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: { trials: { type: 'string', default: '10' }, weights: { type: 'string' } },
});
const weights = flags.weights ?? backboneWeightsFile(cacheFolder(process.env, homedir(), process.platform));
const backbone = new SafetensorsFile(weights);
const preprocessing = (await loadRecipe('metric')).preprocessing(recipeOptions('metric', {}));

const RATES = [0, 0.01, 0.025, 0.05, 0.1];

const cropped = (share: number) => async (bytes: Uint8Array) => {
  const { width, height } = await sharp(bytes).metadata();
  const [left, top] = [Math.round(width * share), Math.round(height * share)];
  const frame = { left, top, width: width - 2 * left, height: height - 2 * top };
  return sharp(bytes).extract(frame).jpeg().toBuffer();
};
const COPIES: Readonly<Record<string, (bytes: Uint8Array) => Promise<Uint8Array>>> = {
  'JPEG of quality 30': (bytes) => sharp(bytes).flatten().jpeg({ quality: 30 }).toBuffer(),
  'half the size': async (bytes) => {
    const { width } = await sharp(bytes).metadata();
    return sharp(bytes)
      .resize(Math.round(width / 2))
      .png()
      .toBuffer();
  },
  'brighter by 15 %': (bytes) => sharp(bytes).modulate({ brightness: 1.15 }).jpeg().toBuffer(),
  mirrored: (bytes) => sharp(bytes).flop().jpeg().toBuffer(),
  '2 % cropped on every side': cropped(0.02),
  '5 % cropped on every side': cropped(0.05),
};

const cache = await mkdtemp(path.join(tmpdir(), 'kindred-bench-'));
const pooled = (pictures: readonly Picture[]): Promise<PooledPictures> =>
  pooledFromPictures(
    { backbone: DEFAULT_BACKBONE, pretrained: backbone },
    { weightsId: 'bench', preprocessing, pictures, folder: cache },
  );

function wrong(set: string, { pictures, features: values }: PooledPictures): string[][] {
  const names = [...new Set(pictures.map(({ className }) => className))];
  const truth = Int32Array.from(pictures, ({ className }) => names.indexOf(className));
  const features = tf.tidy(() => unitLength(tf.tensor2d(values, [pictures.length, 2048]))) as Tensor2D;
  try {
    return RATES.map((rate) => {
      const trials = rate === 0 ? 1 : Number(flags.trials);
      const sum = { planted: 0, told: 0, right: 0, named: 0 };
      for (let trial = 0; trial < trials; trial++) {
        const random = new Random(trial);
        const labels = Int32Array.from(truth);
        const rows = random.shuffle([...truth.keys()]).slice(0, Math.round(rate * truth.length));
        for (const row of rows)
          labels[row] = (labels[row]! + 1 + random.below(names.length - 1)) % names.length;
        const subjects = pictures.map((picture, row) => {
          const className = names[labels[row]!]!;
          return { part: 'training' as const, picture: { ...picture, key: String(row), className } };
        });
        const answers = crossFittedAnswers(features, labels, new Int32Array());
        const found = wrongLabels.find({ subjects, problems: [], nearDuplicates: [], answers });
        const hits = found.filter((finding) => rows.includes(Number(finding.pictures[0]?.key)));
        sum.planted += rows.length;
        sum.told += found.length;
        sum.right += hits.length;
        sum.named += hits.filter(
          ({ pictures: [hit], classes }) => classes[1] === names[truth[Number(hit?.key)]!],
        ).length;
      }
      const share = (part: number, whole: number): string =>
        whole === 0 ? '-' : `${Math.round((100 * part) / whole)} %`;
      return [
        set,
        (sum.planted / trials).toFixed(0),
        (sum.told / trials).toFixed(1),
        rate === 0 ? '-' : share(sum.right, sum.told),
        share(sum.right, sum.planted),
        share(sum.named, sum.right),
      ];
    });
  } finally {
    features.dispose();
  }
}

async function copied(set: string, pictures: readonly Picture[]): Promise<string[][]> {
  const perClass = new Map<string, number>();
  const chosen = [...pictures.entries()].filter(([, { className }]) => {
    perClass.set(className, (perClass.get(className) ?? 0) + 1);
    return (perClass.get(className) ?? 0) <= 2;
  });
  const rows: string[][] = [];
  for (const [how, copy] of Object.entries(COPIES)) {
    const copies = await Promise.all(
      chosen.map(async ([, original]): Promise<Picture> => {
        const bytes = await copy(await original.read());
        const { className } = original;
        return { key: `${original.key} copied`, className, sha256: digest(bytes), read: async () => bytes };
      }),
    );
    const pairs = await findNearDuplicates([...pictures, ...copies]);
    const originals = chosen.map(([row]) => row);
    const right = pairs.filter(({ a, b }) => originals[b - pictures.length] === a).length;
    const mistaken = pairs.filter(({ b }) => b < pictures.length).length;
    rows.push([set, how, String(copies.length), String(right), String(mistaken)]);
  }
  return rows;
}

try {
  const labels: string[][] = [];
  const copies: string[][] = [];
  for (const folder of folders) {
    const { pictures } = await openDataSet(openStore(path.resolve(folder)), '');
    const all = await pooled(pictures);
    const set = `${folder} (${pictures.length})`;
    labels.push(...wrong(set, all));
    copies.push(...(await copied(set, pictures)));
  }
  process.stdout.write(
    `${table([['pictures', 'planted', 'told of', 'of these wrong', 'found', 'right class'], ...labels])}\n\n` +
      `${table([['pictures', 'copies', 'planted', 'found', 'pairs of others'], ...copies])}\n`,
  );
} finally {
  backbone.close();
  await rm(cache, { recursive: true, force: true });
}
