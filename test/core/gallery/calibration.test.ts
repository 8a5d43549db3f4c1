import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CorruptDataError, InvalidInputError } from '../../../core/errors.ts';
import {
  type Calibration,
  calibrate,
  parseCalibration,
  thresholdFor,
} from '../../../core/gallery/calibration.ts';
import { confidenceOf } from '../../../core/gallery/confidence.ts';
import { createGallery, embeddingAt, type Gallery } from '../../../core/gallery/gallery.ts';
import { leaveOneOut } from '../../../core/gallery/leave-one-out.ts';
import { createSearch } from '../../../core/gallery/search.ts';
import { createRanker, RULES } from '../../../core/gallery/rules.ts';
import { Random } from '../../../core/random.ts';
import { galleryOfRows, onCircle } from './support.ts';

/** Classes as clouds of points around their own centre. */
function clouds(options: { classes: number; each: number; spread: number; seed?: number }): Gallery {
  const random = new Random(options.seed ?? 1);
  const rows: [string, number[]][] = [];
  for (let c = 0; c < options.classes; c++) {
    const centre = Array.from({ length: 8 }, () => random.normal());
    for (let i = 0; i < options.each; i++) {
      rows.push([`class ${c}/${i}`, centre.map((x) => x + options.spread * random.normal())]);
    }
  }
  return galleryOfRows(rows);
}

/** Really takes the picture out and asks again. */
function naiveLeaveOneOut(gallery: Gallery, row: number, rule: (typeof RULES)[number]) {
  const rest = galleryOfRows(
    gallery.keys.flatMap((key, at) => (at === row ? [] : [[key, [...embeddingAt(gallery, at)]] as const])),
    { distance: gallery.distance },
  );
  const ranked = createRanker(createSearch(rest), rule)(embeddingAt(gallery, row));
  const own = ranked.find((one) => one.class === gallery.classes[row])?.distance ?? null;
  const others = ranked.filter((one) => one.class !== gallery.classes[row]);
  return { row, own, others: [others[0]?.distance ?? null, others[1]?.distance ?? null] as const };
}

function assertClose(actual: number | null, expected: number | null): void {
  if (actual === null || expected === null) return assert.equal(actual, expected);
  assert.ok(Math.abs(actual - expected) < 1e-5 * (1 + expected), `${actual} is not ${expected}`);
}

function required(calibration: Calibration | null): Calibration {
  assert.ok(calibration !== null);
  return calibration;
}

describe('leave-one-out', () => {
  for (const rule of RULES) {
    for (const distance of ['squared-euclidean', 'cosine'] as const) {
      it(`by ${rule} and ${distance} gives what a gallery without the picture gives`, () => {
        const gallery = createGallery({ ...clouds({ classes: 4, each: 5, spread: 0.8 }), distance });
        for (const found of leaveOneOut(gallery, rule)) {
          const expected = naiveLeaveOneOut(gallery, found.row, rule);
          assertClose(found.own, expected.own);
          assertClose(found.others[0], expected.others[0]);
          assertClose(found.others[1], expected.others[1]);
        }
      });
    }
  }

  it('has no own distance for the only picture of a class', () => {
    const gallery = galleryOfRows([
      ['a/1', [0]],
      ['a/2', [1]],
      ['b/1', [5]],
    ]);
    assert.deepEqual(
      leaveOneOut(gallery, 'nearest').map(({ own }) => own),
      [1, 1, null],
    );
  });

  it('thins galleries of more than 2000 pictures', () => {
    const gallery = galleryOfRows(Array.from({ length: 4100 }, (_, i) => [`${i % 2}/${i}`, [i, i % 7]]));
    assert.equal(leaveOneOut(gallery, 'nearest').length, Math.ceil(4100 / 3));
  });
});

describe('calibration', () => {
  it('puts thresholds at the conformal quantiles of the distances to the answered class', () => {
    // One picture at each of 0, 1, 3, 6, 10 ... on a line: the gap before picture i is i, and the nearer neighbour is the one before.
    const gallery = galleryOfRows(Array.from({ length: 100 }, (_, i) => [`a/${i}`, [(i * (i + 1)) / 2]]));
    const gaps = Array.from({ length: 100 }, (_, i) => Math.max(1, i) ** 2).sort((a, b) => a - b);
    const { points, pictures } = required(calibrate(gallery));
    assert.equal(pictures, 100);
    assert.equal(points.balanced.threshold, gaps[Math.ceil(101 * 0.95) - 1]);
    assert.equal(points.lenient.threshold, gaps[Math.ceil(101 * 0.99) - 1]);
  });

  it('lets at most the share of strangers pass that strict aims at, and says which target binds', () => {
    for (const spread of [0.1, 0.4, 0.9, 1.5]) {
      const gallery = clouds({ classes: 6, each: 20, spread });
      const naive = gallery.keys.map((_, row) => naiveLeaveOneOut(gallery, row, 'nearest'));
      const strangers = naive.map(({ others: [nearest] }) => nearest ?? 0).sort((a, b) => a - b);
      const { strict, balanced } = required(calibrate(gallery)).points;
      const limit = strangers[Math.floor(121 * 0.05) - 1] ?? 0;
      if (limit < balanced.threshold) {
        assert.equal(strict.binds, 'falseAcceptance');
        assertClose(strict.threshold, limit);
        assert.equal(strangers.filter((distance) => distance <= strict.threshold).length, 5);
      } else {
        assert.deepEqual([strict.binds, strict.threshold], ['falseRejection', balanced.threshold]);
      }
      assert.equal(balanced.binds, 'falseRejection');
    }
  });

  it('keeps its rates on new pictures of the same kind, and on classes that it never saw', () => {
    const all = clouds({ classes: 60, each: 30, spread: 0.45, seed: 3 });
    const pick = (holds: (row: number) => boolean): Gallery =>
      galleryOfRows(
        all.keys.flatMap((key, row) => (holds(row) ? [[key, [...embeddingAt(all, row)]] as const] : [])),
      );
    const isKnown = (row: number): boolean => row < 30 * 30;
    const known = pick((row) => isKnown(row) && row % 2 === 0);
    const { strict, balanced } = required(calibrate(known)).points;
    const rank = createRanker(createSearch(known), 'nearest');
    const told = (queries: Gallery): number[] =>
      queries.keys.map((_, row) => rank(embeddingAt(queries, row))[0]?.distance ?? Infinity);
    const fresh = told(pick((row) => isKnown(row) && row % 2 === 1));
    const strangers = told(pick((row) => !isKnown(row)));

    const rejected = fresh.filter((distance) => distance > balanced.threshold).length / fresh.length;
    const accepted = strangers.filter((distance) => distance <= strict.threshold).length / strangers.length;
    assert.ok(Math.abs(rejected - 0.05) < 0.03, `${rejected} rejected`);
    assert.ok(Math.abs(accepted - 0.05) < 0.03, `${accepted} accepted`);
  });

  it('orders its points from strict to lenient, with the rates that go with them and their intervals', () => {
    const { points, pictures, distances } = required(
      calibrate(clouds({ classes: 6, each: 20, spread: 0.9 })),
    );
    const { strict, balanced, lenient } = points;
    assert.ok(strict.threshold < balanced.threshold && balanced.threshold <= lenient.threshold);
    assert.ok(strict.falseRejection >= balanced.falseRejection);
    assert.ok((strict.falseAcceptance ?? 1) <= (lenient.falseAcceptance ?? 0));
    assert.deepEqual(
      [strict, balanced, lenient].map((point) => [point.targetFalseRejection, point.targetFalseAcceptance]),
      [
        [0.05, 0.05],
        [0.05, null],
        [0.01, null],
      ],
    );
    assert.deepEqual([distances?.known.length, distances?.strangers.length], [pictures, 120]);
    for (const point of Object.values(points)) {
      const { low, high } = point.falseRejectionInterval ?? { low: 1, high: 0 };
      assert.ok(low <= point.falseRejection && point.falseRejection <= high && high - low > 0.01);
      assert.ok((point.falseAcceptanceInterval?.high ?? 0) >= (point.falseAcceptance ?? 1));
    }
  });

  it('aims at other rates when told, and keeps the order of its points', () => {
    const gallery = clouds({ classes: 6, each: 20, spread: 0.9 });
    const { balanced, strict } = required(
      calibrate(gallery, { falseRejection: 0.15, falseAcceptance: 0.2 }),
    ).points;
    assert.ok(balanced.falseRejection > 0.1 && balanced.falseRejection <= 0.15);
    assert.ok((strict.falseAcceptance ?? 1) > 0.15 && (strict.falseAcceptance ?? 1) <= 0.2);
    const careful = required(calibrate(gallery, { falseRejection: 0.001 })).points;
    assert.equal(careful.lenient.threshold, careful.balanced.threshold);
    assert.equal(careful.lenient.targetFalseRejection, 0.001);
    assert.throws(() => calibrate(gallery, { falseRejection: 1.2 }), InvalidInputError);
    assert.throws(() => calibrate(gallery, { falseAcceptance: -0.1 }), InvalidInputError);
    assert.throws(() => calibrate(gallery, { strangerShare: 1 }), InvalidInputError);
  });

  it('gives a threshold for any rate afterwards, the same as if it had been aimed at', () => {
    const gallery = clouds({ classes: 6, each: 20, spread: 0.9 });
    const stored = required(calibrate(gallery));
    for (const rate of [0, 0.003, 0.05, 0.2, 0.5, 1]) {
      const rejecting = required(calibrate(gallery, { falseRejection: rate })).points.balanced;
      assert.equal(thresholdFor(stored, { falseRejection: rate }), rejecting.threshold);
    }
    for (const rate of [0, 0.01, 0.05, 0.2]) {
      const accepting = required(calibrate(gallery, { falseRejection: 0, falseAcceptance: rate })).points
        .strict;
      assert.equal(thresholdFor(stored, { falseAcceptance: rate }), accepting.threshold);
    }
    assert.throws(() => thresholdFor(stored, { falseRejection: 2 }), InvalidInputError);
    assert.throws(() => thresholdFor(stored, { falseRejection: 0.1, falseAcceptance: 0.1 }), /not from both/);
    assert.throws(() => thresholdFor(null, { falseRejection: 0.1 }), /keeps no distances/);
  });

  it('takes for strangers what the training says of them, where it says anything', () => {
    const gallery = clouds({ classes: 3, each: 4, spread: 0.5 });
    const leftOut = leaveOneOut(gallery, 'nearest').map((one, i) => ({
      ...one,
      stranger: [100 + i, 200 + i] as const,
    }));
    assert.deepEqual(
      required(calibrate(gallery, { leftOut })).distances?.strangers,
      Array.from({ length: 12 }, (_, i) => 100 + i),
    );
  });

  it('measures its accuracy and false acceptance as the left-out pictures show them', () => {
    const gallery = clouds({ classes: 5, each: 8, spread: 1.2 });
    const { accuracy, points } = required(calibrate(gallery));
    const naive = gallery.keys.map((_, row) => naiveLeaveOneOut(gallery, row, 'nearest'));
    assert.equal(
      accuracy,
      naive.filter(({ own, others }) => (own ?? Infinity) < (others[0] ?? 0)).length / 40,
    );
    const accepted = naive.filter(({ others }) => (others[0] ?? Infinity) <= points.balanced.threshold);
    assertClose(points.balanced.falseAcceptance, accepted.length / 40);
  });

  it('is not moved by copies of pictures, under any name, of the same bytes or the same embedding', () => {
    const gallery = clouds({ classes: 5, each: 6, spread: 0.9 });
    const sameBytes = gallery.keys.map((key, row) => ({
      key: `${key} copy`,
      sha256: gallery.sha256[row] ?? '',
    }));
    const samePixels = gallery.keys.map((key, row) => ({
      key: `${key}.png`,
      sha256: (gallery.sha256[row] ?? '').split('').reverse().join(''),
    }));
    const tiny = gallery.embeddings.map((value) => value * (1 + 1e-6));
    const copied = createGallery({
      dimensions: 8,
      keys: [...gallery.keys, ...sameBytes.map(({ key }) => key), ...samePixels.map(({ key }) => key)],
      classes: [...gallery.classes, ...gallery.classes, ...gallery.classes],
      sha256: [
        ...gallery.sha256,
        ...sameBytes.map(({ sha256 }) => sha256),
        ...samePixels.map(({ sha256 }) => sha256),
      ],
      embeddings: Float32Array.of(...gallery.embeddings, ...gallery.embeddings, ...tiny),
    });
    const [once, thrice] = [required(calibrate(gallery)), required(calibrate(copied))];
    assert.equal(thrice.pictures, once.pictures);
    assert.equal(thrice.accuracy, once.accuracy);
    for (const point of ['strict', 'balanced', 'lenient'] as const) {
      assert.ok(Math.abs(thrice.points[point].threshold / once.points[point].threshold - 1) < 1e-3);
    }
  });

  it('is null when no class has two different pictures', () => {
    assert.equal(calibrate(galleryOfRows([], { dimensions: 2 })), null);
    assert.equal(
      calibrate(
        galleryOfRows([
          ['a/1', [1]],
          ['b/1', [2]],
        ]),
      ),
      null,
    );
    assert.equal(
      calibrate(
        galleryOfRows([
          ['a/1', [1]],
          ['a/2', [1]],
          ['b/1', [2]],
        ]),
      ),
      null,
    );
  });

  it('has thresholds but no confidence with a single class', () => {
    const calibration = required(
      calibrate(
        galleryOfRows([
          ['a/1', [1]],
          ['a/2', [2]],
          ['a/3', [4]],
        ]),
      ),
    );
    assert.equal(calibration.points.lenient.threshold, 4);
    assert.equal(calibration.points.strict.binds, 'falseRejection');
    assert.deepEqual(
      [calibration.confidence, calibration.accuracy, calibration.points.lenient.falseAcceptance],
      [null, null, null],
    );
    assert.throws(() => thresholdFor(calibration, { falseAcceptance: 0.1 }), /single class/);
  });

  it('has a confidence that matches how often answers are right', () => {
    const gallery = clouds({ classes: 10, each: 60, spread: 1.1, seed: 4 });
    const confidence = required(calibrate(gallery, { strangerShare: 0 })).confidence;
    assert.ok(confidence);
    const answers = gallery.keys.map((_, row) => {
      const { own, others } = naiveLeaveOneOutFast(gallery, row);
      const ranked = [own, ...others].sort((a, b) => a - b);
      return {
        right: own < (others[0] ?? 0),
        probability: confidenceOf(confidence, ranked[0] ?? 0, ranked[1] ?? 0),
      };
    });
    for (const [low, high] of [
      [0, 0.6],
      [0.6, 0.85],
      [0.85, 1],
    ] as const) {
      const bin = answers.filter(({ probability }) => probability >= low && probability < high);
      const right = bin.filter((answer) => answer.right).length / bin.length;
      const mean = bin.reduce((sum, { probability }) => sum + probability, 0) / bin.length;
      assert.ok(
        bin.length > 20 && Math.abs(right - mean) < 0.1,
        `${low}: ${right} right at confidence ${mean}`,
      );
    }
  });

  it('falls for pictures that resemble nothing, also where every left-out answer was right', () => {
    const gallery = galleryOfRows(
      [0, 90, 180, 270].flatMap((angle) =>
        [-4, -1, 2, 5].map((turn): [string, number[]] => [`${angle}/${turn}`, onCircle(angle + turn)]),
      ),
    );
    const calibration = required(calibrate(gallery));
    assert.equal(calibration.accuracy, 1);
    assert.ok(calibration.confidence);
    assert.ok(confidenceOf(calibration.confidence, 0.01, 2) > 0.9);
    assert.ok(confidenceOf(calibration.confidence, 0.5, 0.6) < 0.5);
  });

  it('never gives more confidence for less margin or more distance', () => {
    for (let seed = 0; seed < 30; seed++) {
      const gallery = clouds({
        classes: 2 + (seed % 4),
        each: 2 + (seed % 3),
        spread: 0.2 + (seed % 5) * 0.6,
        seed,
      });
      const confidence = required(calibrate(gallery)).confidence;
      assert.ok(confidence);
      assert.ok(confidence.margin >= 0 && confidence.ratio <= 0 && Number.isFinite(confidence.intercept));
    }
  });

  it('is read as it was published before it held distances, intervals and false-acceptance targets', () => {
    const point = { threshold: 2, targetFalseRejection: 0.05, falseRejection: 0.04, falseAcceptance: 0.5 };
    const points = { strict: point, balanced: point, lenient: point };
    const old = { rule: 'nearest', distance: 'cosine', pictures: 9, accuracy: 1, points, confidence: null };
    const read = required(parseCalibration(old, 'evaluation.json'));
    assert.deepEqual([read.points.strict.threshold, read.points.strict.binds], [2, 'falseRejection']);
    assert.throws(() => thresholdFor(read, { falseRejection: 0.1 }), /train it again/);
  });

  it('survives JSON, and is refused when what was stored is something else', () => {
    const calibration = calibrate(clouds({ classes: 3, each: 4, spread: 0.5 }));
    const stored: unknown = JSON.parse(JSON.stringify(calibration));
    assert.deepEqual(parseCalibration(stored, 'evaluation.json'), calibration);
    assert.equal(parseCalibration(null, 'evaluation.json'), null);
    for (const wrong of [
      { ...calibration, distances: { known: [-1], strangers: [] } },
      undefined,
      3,
      {},
      { ...calibration, rule: 'best' },
      { ...calibration, pictures: -1 },
    ]) {
      assert.throws(
        () => parseCalibration(wrong, 'evaluation.json'),
        (error) => error instanceof CorruptDataError && error.message.startsWith('evaluation.json '),
      );
    }
  });

  it('has thresholds for two pictures where it is told how far apart pairs are', () => {
    const gallery = galleryOfRows([
      ['a/1', [0, 0]],
      ['a/2', [0, 1]],
      ['b/1', [5, 0]],
      ['b/2', [5, 1]],
    ]);
    const same = Array.from({ length: 19 }, (_, i) => (19 - i) / 10);
    const different = Array.from({ length: 39 }, (_, i) => 1 + i / 10);
    const pairs = calibrate(gallery, { pairs: { same, different } })?.pairs;
    // Of 19, all but a twentieth: the 19th; of 39 strangers a twentieth: just below the second.
    assert.equal(pairs?.balanced.threshold, 1.9);
    assert.ok((pairs?.strict.threshold ?? 9) < 1.1 && (pairs?.strict.threshold ?? 0) > 1.0999);
    assert.equal(pairs?.strict.falseAcceptance, 1 / 39);
    assert.equal(pairs?.balanced.falseAcceptance, 10 / 39);
    assert.equal(calibrate(gallery)?.pairs, null);
    assert.equal(calibrate(gallery, { pairs: { same: [], different } })?.pairs, null);
  });
});

function naiveLeaveOneOutFast(gallery: Gallery, row: number): { own: number; others: number[] } {
  const nearest = new Map<string, number>();
  for (let other = 0; other < gallery.keys.length; other++) {
    if (other === row) continue;
    let sum = 0;
    for (let d = 0; d < gallery.dimensions; d++) {
      sum += ((embeddingAt(gallery, row)[d] ?? 0) - (embeddingAt(gallery, other)[d] ?? 0)) ** 2;
    }
    const name = gallery.classes[other] ?? '';
    nearest.set(name, Math.min(nearest.get(name) ?? Infinity, sum));
  }
  const own = nearest.get(gallery.classes[row] ?? '') ?? Infinity;
  nearest.delete(gallery.classes[row] ?? '');
  return { own, others: [...nearest.values()].sort((a, b) => a - b) };
}
