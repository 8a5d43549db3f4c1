import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tensor2D } from '@tensorflow/tfjs-node';
import type { Picture } from '../../../../core/images/dataset.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { Random } from '../../../../core/random.ts';
import { alikeClasses } from '../../../../core/training/data-check/alike-classes.ts';
import { crossFittedAnswers } from '../../../../core/training/data-check/answers.ts';
import type { Answer } from '../../../../core/training/data-check/answers.ts';
import type { Material } from '../../../../core/training/data-check/check.ts';
import { fittingTemperature, softmax } from '../../../../core/training/data-check/temperature.ts';
import { wrongLabels } from '../../../../core/training/data-check/wrong-labels.ts';

/** Unit rows around a direction for each label. */
function clouds(labels: Int32Array, width: number, spread: number, seed: number): Tensor2D {
  const random = new Random(seed);
  const count = Math.max(...labels) + 1;
  const centres = Array.from({ length: count }, () => Array.from({ length: width }, () => random.normal()));
  const rows = Array.from(labels, (label) => {
    const row = (centres[label] as number[]).map((value) => value + spread * random.normal());
    const length = Math.hypot(...row);
    return row.map((value) => value / length);
  });
  return tf.tensor2d(rows);
}

const labelled = (count: number, each: number): Int32Array =>
  Int32Array.from({ length: count * each }, (_, i) => i % count);

describe('cross-fitted answers', () => {
  for (const [name, each, width] of [
    ['few', 8, 700],
    ['more than numbers are kept', 140, 700],
  ] as const) {
    it(`take a picture for what it is, not for what it is called: ${name}`, () => {
      const truth = labelled(4, each);
      const features = clouds(truth, width, 0.6, 1);
      const labels = Int32Array.from(truth);
      labels[5] = (truth[5] as number) === 0 ? 1 : 0;
      const tensors = tf.memory().numTensors;

      const answers = crossFittedAnswers(features, labels, new Int32Array()) ?? [];

      assert.equal(tf.memory().numTensors, tensors);
      assert.deepEqual(
        answers.map(({ row }) => row).toSorted((a, b) => a - b),
        [...labels.keys()],
      );
      for (const { row, own, other, nearest } of answers) {
        assert.ok(own >= 0 && other.share >= 0 && own + other.share <= 1 + 1e-9);
        assert.ok(nearest.every((near) => labels[near] === other.label && near !== row));
        if (row === 5) assert.equal(other.label, truth[5]);
        else assert.ok(own > other.share, `row ${row}`);
        if (row === 5) assert.ok(other.share > own);
      }
      features.dispose();
    });
  }

  it('are asked for other rows too, those of classes that nobody knows left out', () => {
    const all = labelled(3, 8);
    const features = clouds(all, 40, 0.4, 2);
    const asked = Int32Array.from([...all.slice(18, 23), -1]);
    const answers = crossFittedAnswers(features, all.slice(0, 18), asked) ?? [];
    const others = answers.filter(({ row }) => row >= 18);
    assert.deepEqual(
      others.map(({ row }) => row),
      [18, 19, 20, 21, 22],
    );
    assert.ok(
      others.every(({ own, other, nearest }) => own > other.share && nearest.every((row) => row < 18)),
    );
    features.dispose();
  });

  it('are none where there are not two classes with two pictures', () => {
    const features = clouds(labelled(3, 1), 8, 0.1, 3);
    assert.equal(crossFittedAnswers(features, Int32Array.of(0, 1, 2), new Int32Array()), null);
    assert.equal(crossFittedAnswers(features, Int32Array.of(0, 0, 1), new Int32Array()), null);
    features.dispose();
  });
});

describe('the temperature', () => {
  it('is the one of all under which the labels are likeliest', () => {
    const random = new Random(4);
    const scores = Array.from({ length: 60 }, () => Float64Array.from({ length: 5 }, () => random.float()));
    const labels = scores.map((each) =>
      random.float() < 0.7 ? each.indexOf(Math.max(...each)) : random.below(5),
    );
    const surprise = (temperature: number): number =>
      scores.reduce((sum, each, i) => {
        const weights = [...each].map((score) => Math.exp(score / temperature));
        return sum - Math.log((weights[labels[i] as number] as number) / weights.reduce((a, b) => a + b));
      }, 0);
    const grid = Array.from({ length: 400 }, (_, i) => 0.03 + (0.97 * i) / 399);
    const best = grid.toSorted((a, b) => surprise(a) - surprise(b))[0] as number;

    const found = fittingTemperature(scores, labels);

    assert.ok(Math.abs(found / best - 1) < 0.1, `${found} for ${best}`);
    const sum = softmax(Float64Array.of(0.9, 0.1, 0.5), 0.03).reduce((a, b) => a + b);
    assert.ok(Math.abs(sum - 1) < 1e-12);
  });
});

describe('findings from answers', () => {
  const names = ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'b', 'b', 'b'];
  const subjects = names.map((className, i) => ({
    part: 'training' as const,
    picture: {
      key: `${className}/${i}`,
      className,
      sha256: '',
      read: () => Promise.reject(new Error()),
    } as Picture,
  }));
  const answer = (row: number, own: number): Answer => {
    const isA = row < 5;
    return { row, own, other: { label: isA ? 1 : 0, share: 1 - own }, nearest: [isA ? 9 : 0] };
  };
  const material = (owns: readonly number[]): Material => ({
    subjects,
    problems: [],
    nearDuplicates: [],
    answers: owns.map((own, row) => answer(row, own)),
  });

  it('name a label that is fifty times less likely than another, and how sure that is', () => {
    const owns = names.map(() => 0.9);
    [owns[2], owns[7]] = [0.019, 0.021];
    const found = wrongLabels.find(material(owns));
    assert.deepEqual(
      found.map(({ pictures, classes, evidence }) => [pictures[0]?.key, classes, evidence[0]?.key]),
      [['a/2', ['a', 'b'], 'b/9']],
    );
    const odds = 0.981 / 0.019;
    assert.ok(Math.abs((found[0]?.certainty ?? 0) - odds / (odds + 50)) < 1e-12);
  });

  it('name classes whose pictures are taken for each other, from three of them on', () => {
    const owns = names.map(() => 0.9);
    [owns[0], owns[6]] = [0.4, 0.4];
    assert.deepEqual(alikeClasses.find(material(owns)), []);
    owns[7] = 0.3;
    const [found] = alikeClasses.find(material(owns));
    assert.deepEqual(found?.classes, ['a', 'b']);
    assert.deepEqual(
      found?.evidence.map(({ key }) => key),
      ['a/0', 'b/6', 'b/7'],
    );
    assert.equal(found?.certainty, 0.3);
  });
});
