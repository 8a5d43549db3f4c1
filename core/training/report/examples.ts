/** Test images worth looking at: wrong predictions, and close calls. */
import type { Calibration } from '../../gallery/calibration.ts';
import { createDecider } from '../../gallery/decision.ts';
import { embeddingAt, type Labelled } from '../../gallery/gallery.ts';
import type { Rule } from '../../gallery/rules.ts';
import { createSearch, nearestRows, type Search, type Searchable } from '../../gallery/search.ts';
import type { Answer } from '../evaluation/answers.ts';

/** A neighbour of a test image in the gallery. */
export interface Relative {
  readonly key: string;
  readonly class: string;
  readonly distance: number;
}

/** A test image, its prediction, and the neighbours behind that. */
export interface Example {
  readonly key: string;
  readonly class: string;
  readonly predicted: string;
  readonly distance: number;
  /** Probability that the prediction is right; null without calibration. */
  readonly confidence: number | null;
  /** Whether it is known at the balanced point; null without calibration. */
  readonly known: boolean | null;
  /** The nearest neighbours, nearest first. */
  readonly nearest: readonly Relative[];
  /** The nearest neighbour of the predicted class, unless one is among `nearest` or the prediction is right. */
  readonly ofPredicted: Relative | null;
  /** The nearest neighbour of the actual class, unless one is among `nearest` or the gallery lacks the class. */
  readonly ofActual: Relative | null;
}

export interface Examples {
  /** The decision rule of the predictions. */
  readonly rule: Rule;
  /** The most confident first. */
  readonly wrong: readonly Example[];
  /** How many wrong predictions there are. */
  readonly wrongCount: number;
  /** Right predictions, the least confident first. */
  readonly close: readonly Example[];
}

export interface ExamplesRequest {
  readonly queries: Labelled;
  readonly gallery: Searchable;
  readonly rule: Rule;
  readonly answers: readonly Answer[];
  readonly calibration: Calibration | null;
}

export const MOST_WRONG = 20;
export const MOST_CLOSE = 6;
const NEAREST = 3;
/** Of more predictions an even sample is examined. */
const MOST_EXAMINED = 2000;

/** Chooses and describes the examples. */
export function chooseExamples(request: ExamplesRequest): Examples {
  const { queries, gallery, rule, answers } = request;
  const search = createSearch(gallery);
  const calibration = request.calibration?.rule === rule ? request.calibration : null;
  const decide = createDecider(search, { rule, calibration });
  const ranked = (rows: readonly number[]): Judged[] => {
    const step = Math.max(1, Math.ceil(rows.length / MOST_EXAMINED));
    const judged = rows
      .filter((_, i) => i % step === 0)
      .map((row) => {
        const { known, confidence, margin, distance } = decide(embeddingAt(queries, row));
        return { row, known, confidence, certainty: confidence ?? relativeMargin(distance, margin) };
      });
    return judged.toSorted((a, b) => a.certainty - b.certainty);
  };
  const rows = answers.map((_, row) => row);
  const wrong = rows.filter((row) => answers[row]?.predicted !== answers[row]?.class);
  const right = rows.filter((row) => answers[row]?.predicted === answers[row]?.class);
  const show = (one: Judged): Example => exampleOf(one, request, search);
  return {
    rule,
    wrong: ranked(wrong).toReversed().slice(0, MOST_WRONG).map(show),
    wrongCount: wrong.length,
    close: ranked(right).slice(0, MOST_CLOSE).map(show),
  };
}

interface Judged extends Pick<Example, 'known' | 'confidence'> {
  readonly row: number;
  readonly certainty: number;
}

/** (second - first) / (second + first); 1 where there is no second class. */
function relativeMargin(distance: number, margin: number | null): number {
  if (margin === null) return 1;
  return margin === 0 ? 0 : margin / (2 * distance + margin);
}

function exampleOf({ row, known, confidence }: Judged, request: ExamplesRequest, search: Search): Example {
  const { queries, answers } = request;
  const { gallery } = search;
  const actual = queries.classes[row] ?? '';
  const { predicted = '', distance = Infinity } = answers[row] ?? {};
  const distances = search.distances(embeddingAt(queries, row));
  const relative = (at: number): Relative => ({
    key: gallery.keys[at] ?? '',
    class: gallery.classes[at] ?? '',
    distance: distances[at] ?? Infinity,
  });
  const nearest = nearestRows(gallery, distances, NEAREST).map(relative);
  const nearestOf = (name: string): Relative | null => {
    if (nearest.some((one) => one.class === name) || !gallery.classes.includes(name)) return null;
    const within = distances.map((value, at) => (gallery.classes[at] === name ? value : Infinity));
    return nearestRows(gallery, within, 1).map(relative)[0] ?? null;
  };
  const ofPredicted = predicted === actual ? null : nearestOf(predicted);
  const key = queries.keys[row] ?? '';
  const ofActual = nearestOf(actual);
  return { key, class: actual, predicted, distance, confidence, known, nearest, ofPredicted, ofActual };
}
