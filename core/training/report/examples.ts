/** Queries worth looking at: the wrong ones, and those that were right by a hair. */
import type { Calibration } from '../../gallery/calibration.ts';
import { createDecider } from '../../gallery/decision.ts';
import { embeddingAt, type Labelled } from '../../gallery/gallery.ts';
import type { Rule } from '../../gallery/rules.ts';
import { createSearch, nearestRows, type Search, type Searchable } from '../../gallery/search.ts';
import type { Answer } from '../evaluation/answers.ts';

/** A picture of the gallery beside a query. */
export interface Relative {
  readonly key: string;
  readonly class: string;
  readonly distance: number;
}

/** A query, what it was told, and the pictures behind that. */
export interface Example {
  readonly key: string;
  readonly class: string;
  readonly predicted: string;
  readonly distance: number;
  /** P(the answer is right), or null where there is no calibration. */
  readonly confidence: number | null;
  /** Whether the answer is near enough to be given at the balanced point, or null where there is none. */
  readonly known: boolean | null;
  /** The nearest pictures of the gallery, nearest first. */
  readonly nearest: readonly Relative[];
  /** The nearest picture of the class that it was told, where it is not among them, as can be unless the nearest one decides. */
  readonly told: Relative | null;
  /** The nearest picture of the query's own class, where it is not among them; null also where the gallery lacks the class. */
  readonly own: Relative | null;
}

export interface Examples {
  /** What their distances and answers are by. */
  readonly rule: Rule;
  /** The surest first. */
  readonly wrong: readonly Example[];
  /** How many there are in all. */
  readonly wrongCount: number;
  /** Right answers, the least sure first. */
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
/** To find the closest calls more than so many queries are not looked at. */
const MOST_LOOKED_AT = 2000;

/** Chooses and describes the examples. */
export function chooseExamples(request: ExamplesRequest): Examples {
  const { queries, gallery, rule, answers } = request;
  const search = createSearch(gallery);
  const calibration = request.calibration?.rule === rule ? request.calibration : null;
  const decide = createDecider(search, { rule, calibration });
  const judged = (row: number): Judged => {
    const { known, confidence, margin, distance } = decide(embeddingAt(queries, row));
    return { row, known, confidence, sureness: confidence ?? relativeMargin(distance, margin) };
  };
  const isRight = (row: number): boolean => answers[row]?.predicted === answers[row]?.class;
  const rows = answers.map((_, row) => row);
  const wrong = thinned(rows.filter((row) => !isRight(row))).map(judged);
  const right = thinned(rows.filter(isRight)).map(judged);
  const show = (one: Judged): Example => exampleOf(one, request, search);
  return {
    rule,
    wrong: wrong
      .toSorted((a, b) => b.sureness - a.sureness)
      .slice(0, MOST_WRONG)
      .map(show),
    wrongCount: rows.filter((row) => !isRight(row)).length,
    close: right
      .toSorted((a, b) => a.sureness - b.sureness)
      .slice(0, MOST_CLOSE)
      .map(show),
  };
}

interface Judged extends Pick<Example, 'known' | 'confidence'> {
  readonly row: number;
  readonly sureness: number;
}

/** (second - first) / (second + first); 1 where there is no second class. */
function relativeMargin(distance: number, margin: number | null): number {
  if (margin === null) return 1;
  return margin === 0 ? 0 : margin / (2 * distance + margin);
}

/** At most so many, evenly. */
function thinned(rows: readonly number[]): number[] {
  const step = Math.max(1, Math.ceil(rows.length / MOST_LOOKED_AT));
  return rows.filter((_, i) => i % step === 0);
}

function exampleOf(
  { row, known, confidence }: Judged,
  { queries, answers }: ExamplesRequest,
  search: Search,
): Example {
  const { gallery } = search;
  const own = queries.classes[row] ?? '';
  const distances = search.distances(embeddingAt(queries, row));
  const relative = (at: number): Relative => ({
    key: gallery.keys[at] ?? '',
    class: gallery.classes[at] ?? '',
    distance: distances[at] ?? Infinity,
  });
  const nearest = nearestRows(gallery, distances, NEAREST).map(relative);
  const unshownOf = (name: string): Relative | null => {
    if (nearest.some((one) => one.class === name) || !gallery.classes.includes(name)) return null;
    const within = distances.map((distance, at) => (gallery.classes[at] === name ? distance : Infinity));
    const [at] = nearestRows(gallery, within, 1);
    return at === undefined ? null : relative(at);
  };
  const predicted = answers[row]?.predicted ?? '';
  return {
    key: queries.keys[row] ?? '',
    class: own,
    predicted,
    distance: answers[row]?.distance ?? Infinity,
    confidence,
    known,
    nearest,
    told: predicted === own ? null : unshownOf(predicted),
    own: unshownOf(own),
  };
}
