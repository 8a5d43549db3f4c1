import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGallery, type Gallery, type Labelled } from '../../../../core/gallery/gallery.ts';
import {
  type BackboneFeatures,
  evaluateBaseline,
  evaluateWithAnswers,
} from '../../../../core/training/evaluation/index.ts';
import { comparePaired } from '../../../../core/training/evaluation/paired.ts';
import { normals } from '../../../support/numbers.ts';
import { naiveRankings, randomLabelled } from './support.ts';

const shaOf = (text: string): string => Buffer.from(text).toString('hex').padStart(64, '0').slice(-64);

function galleryOf(rows: Labelled, what: string): Gallery {
  return createGallery({ ...rows, sha256: rows.keys.map((key) => shaOf(`${what} ${key}`)) });
}

/** Seven numbers of noise a picture. */
function noise({ sha256 }: Gallery, seed: number): BackboneFeatures {
  return { dimensions: 7, sha256, embeddings: normals(sha256.length * 7, seed) };
}

const queries = galleryOf(randomLabelled(40, 4, 1), 'query');
const gallery = galleryOf(randomLabelled(30, 4, 2), 'held');
const [ofQueries, ofGallery] = [noise(queries, 3), noise(gallery, 4)];
const { answers, evaluation } = evaluateWithAnswers(queries, gallery);

/** For every query, whether the class of the row whose features point the most alike is its own. */
function naiveBaseline(held: readonly number[]): boolean[] {
  const at = (of: BackboneFeatures, row: number): Float32Array =>
    of.embeddings.subarray(row * of.dimensions, (row + 1) * of.dimensions);
  const cosine = (a: Float32Array, b: Float32Array): number => {
    const dot = (x: Float32Array, y: Float32Array): number =>
      x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  return queries.keys.map((_, query) => {
    const best = held.reduce((one, other) => {
      const [a, b] = [one, other].map((row) => cosine(at(ofQueries, query), at(ofGallery, row)));
      return (b ?? 0) > (a ?? 0) ? other : one;
    });
    return gallery.classes[best] === queries.classes[query];
  });
}

const share = (right: readonly boolean[]): number => right.filter(Boolean).length / right.length;

describe('the untrained backbone', () => {
  it('answers by the nearest direction of its own features, and is compared answer by answer', () => {
    const found = evaluateBaseline({
      queries,
      gallery,
      rule: 'nearest',
      answers,
      features: [ofQueries, ofGallery],
    });

    const naive = naiveBaseline(gallery.keys.map((_, row) => row));
    const model = answers.map((answer) => answer.predicted === answer.class);
    const compared = comparePaired(model, naive);
    assert.equal(found.accuracy, share(naive));
    assert.equal(found.modelAccuracy, evaluation.accuracy);
    assert.deepEqual([found.images, found.galleryPictures, found.galleryPicturesLeftOut], [40, 30, 0]);
    assert.deepEqual(found.difference, {
      difference: compared.difference,
      interval: compared.interval,
      p: compared.p,
      onlyModel: compared.onlyFirst,
      onlyBaseline: compared.onlySecond,
    });
  });

  it('answers from the pictures whose features are known, and so does the model then', () => {
    const held = gallery.keys.flatMap((_, row) => (row % 3 === 0 ? [] : [row]));
    const known = {
      dimensions: 7,
      sha256: held.map((row) => gallery.sha256[row] ?? ''),
      embeddings: Float32Array.from(
        held.flatMap((row) => [...ofGallery.embeddings.subarray(row * 7, row * 7 + 7)]),
      ),
    };

    const found = evaluateBaseline({
      queries,
      gallery,
      rule: 'nearest',
      answers,
      features: [ofQueries, known],
    });

    const part: Labelled = {
      dimensions: gallery.dimensions,
      keys: held.map((row) => gallery.keys[row] ?? ''),
      classes: held.map((row) => gallery.classes[row] ?? ''),
      embeddings: Float32Array.from(
        held.flatMap((row) => [...gallery.embeddings.subarray(row * 3, row * 3 + 3)]),
      ),
    };
    const rankings = naiveRankings(queries, part, false);
    assert.deepEqual([found.galleryPictures, found.galleryPicturesLeftOut], [20, 10]);
    assert.equal(found.accuracy, share(naiveBaseline(held)));
    assert.equal(found.modelAccuracy, share(rankings.map(([first], q) => first === queries.classes[q])));
  });

  it('knows a picture by its bytes, whatever class it was given since', () => {
    const rename = (name: string): string => `renamed ${name}`;
    const renamed = createGallery({
      ...gallery,
      keys: gallery.keys.map(rename),
      classes: gallery.classes.map(rename),
    });
    const asked = { ...queries, classes: queries.classes.map(rename) };
    const told = evaluateWithAnswers(asked, renamed).answers;

    const found = evaluateBaseline({
      queries: asked,
      gallery: renamed,
      rule: 'nearest',
      answers: told,
      features: [ofQueries, ofGallery],
    });

    assert.equal(found.accuracy, share(naiveBaseline(gallery.keys.map((_, row) => row))));
  });

  it('cannot be asked when its features of the gallery, or of the queries, are not known', () => {
    for (const features of [[ofQueries], [ofGallery]]) {
      assert.throws(() => evaluateBaseline({ queries, gallery, rule: 'nearest', answers, features }), {
        name: 'InvalidInputError',
      });
    }
  });
});
