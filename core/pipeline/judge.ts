/** What a trained network makes of the pictures: the gallery, how good it is, and from which distance on nothing is known. */
import { embedPictures } from '../embedding/embed-pictures.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { InvalidInputError } from '../errors.ts';
import { calibrate } from '../gallery/calibration.ts';
import type { Calibration, Rates } from '../gallery/calibration.ts';
import { createGallery } from '../gallery/gallery.ts';
import type { LeftOut } from '../gallery/leave-one-out.ts';
import type { EmbedderId, Gallery } from '../gallery/gallery.ts';
import type { DataSet } from '../images/dataset.ts';
import type { Rule } from '../gallery/rules.ts';
import { evaluateWithAnswers } from '../training/evaluation/index.ts';
import type { Answer, Evaluation } from '../training/evaluation/index.ts';
import type { TrainingContext } from './context.ts';
import type { Learnt } from './learn.ts';

export interface Judgement {
  readonly gallery: Gallery;
  /** Null where there was nothing to judge on. */
  readonly evaluation: Evaluation | null;
  readonly calibration: Calibration | null;
  /** What the evaluation was taken from. */
  readonly judged: Judged | null;
}

/** Queries, the pictures they were answered from, and what they were told. */
export interface Judged {
  readonly queries: Gallery;
  readonly known: Gallery;
  readonly rule: Rule;
  readonly answers: readonly Answer[];
}

type Talk = Pick<TrainingContext, 'signal' | 'report'>;

/**
 * Judged with the pictures learnt from as the gallery; pictures that were held out for that join it afterwards.
 * @param id what the gallery is bound to
 * @param rates what the operating points aim at, where not at the usual ones
 * @throws CancelledError
 */
export async function judge(
  embedder: Embedder,
  id: EmbedderId,
  { data, leftOut, pairs, rule = 'nearest' }: Learnt,
  talk: Talk,
  { falseRejection, falseAcceptance }: Rates = {},
): Promise<Judgement> {
  const known = await embedAll(embedder, id, data.train, 'training', talk);
  const queries = data.test && (await embedAll(embedder, id, data.test, 'test', talk));
  const told = queries && evaluateWithAnswers(queries, known, rule);
  const gallery = queries && data.heldOut ? joined(known, queries) : known;
  return {
    gallery,
    evaluation: told && told.evaluation,
    calibration: calibrate(gallery, {
      rule,
      leftOut: leftOut && inRowsOf(known, data.train, leftOut),
      pairs,
      falseRejection,
      falseAcceptance,
    }),
    judged: queries && told && { queries, known, rule, answers: told.answers },
  };
}

/** `leftOut` counts rows as the training did; a picture may have gone missing since. */
function inRowsOf(known: Gallery, { pictures }: DataSet, leftOut: readonly LeftOut[]): LeftOut[] {
  const rowOf = new Map(known.keys.map((key, row) => [key, row]));
  return leftOut.flatMap((one) => {
    const row = rowOf.get(pictures[one.row]?.key ?? '');
    return row === undefined ? [] : [{ ...one, row }];
  });
}

/** The pictures that can be decoded, as a gallery. */
async function embedAll(
  embedder: Embedder,
  id: EmbedderId,
  { name, pictures }: DataSet,
  part: string,
  { signal, report }: Talk,
): Promise<Gallery> {
  const embedded = await embedPictures(embedder, pictures, {
    signal,
    onProgress: (done, total) => report({ phase: 'embedding', part, done, total }),
  });
  for (const { picture, reason } of embedded.rejected) {
    report({ phase: 'note', text: `${picture.key} is left out: ${reason}` });
  }
  if (embedded.pictures.length === 0) {
    throw new InvalidInputError(`None of the ${part} pictures of ${name} can be decoded.`);
  }
  return createGallery({
    dimensions: embedder.dimensions,
    keys: embedded.pictures.map(({ key }) => key),
    classes: embedded.pictures.map(({ className }) => className),
    sha256: embedded.pictures.map(({ sha256 }) => sha256),
    embeddings: embedded.embeddings,
    embedder: id,
  });
}

/** Two galleries of one embedder that have no key in common. */
export function joined(first: Gallery, second: Gallery): Gallery {
  const embeddings = new Float32Array(first.embeddings.length + second.embeddings.length);
  embeddings.set(first.embeddings);
  embeddings.set(second.embeddings, first.embeddings.length);
  return createGallery({
    ...first,
    keys: [...first.keys, ...second.keys],
    classes: [...first.classes, ...second.classes],
    sha256: [...first.sha256, ...second.sha256],
    embeddings,
  });
}
