import { createRanker, type Rule } from '../../gallery/rules.ts';
import { embeddingAt, type Labelled } from '../../gallery/gallery.ts';
import { nearestRows, type Search } from '../../gallery/search.ts';
import { InvalidInputError } from '../../errors.ts';

/** What one query was told. */
export interface Answer {
  readonly key: string;
  readonly class: string;
  /** The nearest class by the rule, and its distance. */
  readonly predicted: string;
  readonly distance: number;
  /** The key of the nearest picture of the predicted class. */
  readonly nearest: string;
}

/**
 * Asks for the class of every query. With `leaveOneOut` the queries are the gallery itself, and no picture sees itself.
 * @throws InvalidInputError when the gallery holds nothing to answer with, or the rule cannot leave one out
 */
export function answerQueries(
  queries: Labelled,
  search: Search,
  options: { rule: Rule; leaveOneOut: boolean },
): Answer[] {
  const { gallery } = search;
  if (gallery.keys.length <= (options.leaveOneOut ? 1 : 0)) {
    throw new InvalidInputError('The gallery holds no picture to compare with; add pictures to it first.');
  }
  if (options.rule === 'nearest') {
    const answers: Answer[] = [];
    search.forEach(queries.embeddings, (query, distances) => {
      const [row = -1] = nearestRows(gallery, distances, 1, options.leaveOneOut ? query : -1);
      answers.push({
        ...labelsOf(queries, query),
        predicted: gallery.classes[row] ?? '',
        distance: distances[row] ?? Infinity,
        nearest: gallery.keys[row] ?? '',
      });
    });
    return answers;
  }
  if (options.leaveOneOut) {
    throw new InvalidInputError(`Evaluating a gallery on itself is possible by the rule "nearest" only.`);
  }
  const rank = createRanker(search, options.rule);
  return queries.keys.map((_, query) => {
    const [best] = rank(embeddingAt(queries, query));
    return {
      ...labelsOf(queries, query),
      predicted: best?.class ?? '',
      distance: best?.distance ?? Infinity,
      nearest: best?.key ?? '',
    };
  });
}

function labelsOf(queries: Labelled, query: number): { key: string; class: string } {
  return { key: queries.keys[query] ?? '', class: queries.classes[query] ?? '' };
}
