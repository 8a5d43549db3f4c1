import type { Labelled } from '../../gallery/gallery.ts';
import type { Rule } from '../../gallery/rules.ts';
import { createSearch, type Searchable } from '../../gallery/search.ts';
import { InvalidInputError } from '../../errors.ts';
import {
  accuracyPerClass,
  type ClassAccuracy,
  type Interval,
  macroAccuracy,
  wilsonInterval,
} from './accuracy.ts';
import { type Answer, answerQueries } from './answers.ts';
import { type Confusion, confusionOf } from './confusion.ts';
import { measureRetrieval, type Retrieval } from './retrieval.ts';

/** How well queries of known classes were answered. Plain JSON. */
export interface Evaluation extends Retrieval {
  /** How many queries there were. */
  readonly images: number;
  /** Share of queries whose nearest class is their own; a class that the gallery lacks is always wrong. */
  readonly accuracy: number;
  /** The 95 % interval of the accuracy (Wilson). */
  readonly accuracyInterval: Interval;
  /** The mean of the classes' accuracies. */
  readonly macroAccuracy: number;
  readonly perClass: readonly ClassAccuracy[];
  readonly confusion: Confusion;
  /** Classes of queries that the gallery lacks: often a spelling that differs. */
  readonly missingClasses: readonly string[];
}

/**
 * Answers every query from the gallery and measures the answers.
 * @param rule what a class's distance is; the retrieval measures always rank single pictures
 * @throws InvalidInputError when there is no query, or the gallery is empty
 */
export function evaluate(queries: Labelled, gallery: Searchable, rule: Rule = 'nearest'): Evaluation {
  return evaluateWithAnswers(queries, gallery, rule).evaluation;
}

/** The same, with what each query was told. */
export function evaluateWithAnswers(
  queries: Labelled,
  gallery: Searchable,
  rule: Rule = 'nearest',
): { evaluation: Evaluation; answers: Answer[] } {
  return measure(queries, gallery, rule, false);
}

/** Of a gallery's own pictures: each is a query that the others answer, by the nearest one. */
export function evaluateWithin(gallery: Searchable): Evaluation {
  return measure(gallery, gallery, 'nearest', true).evaluation;
}

function measure(
  queries: Labelled,
  gallery: Searchable,
  rule: Rule,
  leaveOneOut: boolean,
): { evaluation: Evaluation; answers: Answer[] } {
  if (queries.keys.length === 0) throw new InvalidInputError('There is no picture to evaluate with.');
  const search = createSearch(gallery);
  const answers = answerQueries(queries, search, { rule, leaveOneOut });
  const perClass = accuracyPerClass(answers);
  const right = perClass.reduce((sum, one) => sum + one.right, 0);
  const evaluation = {
    images: answers.length,
    accuracy: right / answers.length,
    accuracyInterval: wilsonInterval(right, answers.length),
    macroAccuracy: macroAccuracy(perClass),
    perClass,
    ...measureRetrieval(queries, search, leaveOneOut),
    confusion: confusionOf(answers),
    missingClasses: perClass.map((one) => one.class).filter((name) => !search.classes.includes(name)),
  };
  return { evaluation, answers };
}
