import type { Gallery, Labelled } from '../../gallery/gallery.ts';
import type { Rule } from '../../gallery/rules.ts';
import { InvalidInputError } from '../../errors.ts';
import type { Answer } from './answers.ts';
import { type Evaluation, evaluateWithAnswers } from './evaluate.ts';
import { comparePaired, type PairedComparison } from './paired.ts';

/** How well the untrained backbone answers the same queries: its pooled features, cosine distances, the nearest picture. Plain JSON. */
export interface Baseline
  extends
    Pick<Evaluation, 'accuracy' | 'accuracyInterval' | 'macroAccuracy' | 'perClass'>,
    Pick<Evaluation, 'recallAt' | 'mapAtR'> {
  /** How many queries both answered. */
  readonly images: number;
  /** How many pictures of the gallery both answered from. */
  readonly galleryPictures: number;
  /** Pictures of the gallery whose backbone features are not known, and which neither therefore answered from: they were added later. */
  readonly galleryPicturesLeftOut: number;
  /** The model's accuracy from the same pictures; the evaluation's own where none was left out. */
  readonly modelAccuracy: number;
  /** The model's accuracy minus the backbone's. */
  readonly difference: Pick<PairedComparison, 'difference' | 'interval' | 'p'> & {
    /** Queries that only the one of the two answered right. */
    readonly onlyModel: number;
    readonly onlyBaseline: number;
  };
}

/** What the backbone makes of pictures, found by their SHA-256. */
export type BackboneFeatures = Pick<Gallery, 'dimensions' | 'sha256' | 'embeddings'>;

export interface BaselineRequest {
  /** By the model's own embedder. */
  readonly queries: Labelled & Pick<Gallery, 'sha256'>;
  readonly gallery: Gallery;
  readonly rule: Rule;
  /** What the model answered from the whole gallery. */
  readonly answers: readonly Answer[];
  /** Of queries and gallery, as far as they are known. */
  readonly features: readonly BackboneFeatures[];
}

/**
 * Holds the model's answers against those of the untrained backbone, on the same queries and from the same pictures.
 * @throws InvalidInputError when the features of no query or of no picture of the gallery are known
 */
export function evaluateBaseline({ queries, gallery, rule, answers, features }: BaselineRequest): Baseline {
  const known = rowsBySha(features);
  const asked = rowsOf(queries.sha256, known);
  const held = rowsOf(gallery.sha256, known);
  if (asked.length === 0 || held.length === 0) {
    throw new InvalidInputError(
      `The backbone's features are known of ${asked.length} of the ${queries.keys.length} pictures asked for and of ${held.length} of the ${gallery.keys.length} of the gallery; at least one of both is needed.`,
    );
  }
  const left = gallery.keys.length - held.length;
  const own = left === 0 ? answers : answersFrom(queries, gallery, held, rule);
  const { evaluation, answers: baselines } = evaluateWithAnswers(pooled(queries, asked, known), {
    ...pooled(gallery, held, known),
    distance: 'cosine',
  });
  const models = asked.map((row) => isRight(own[row]));
  const { onlyFirst, onlySecond, ...compared } = comparePaired(models, baselines.map(isRight));
  const { accuracy, accuracyInterval, macroAccuracy, perClass, recallAt, mapAtR, images } = evaluation;
  return {
    images,
    accuracy,
    accuracyInterval,
    macroAccuracy,
    perClass,
    recallAt,
    mapAtR,
    galleryPictures: held.length,
    galleryPicturesLeftOut: left,
    modelAccuracy: models.filter(Boolean).length / models.length,
    difference: {
      difference: compared.difference,
      interval: compared.interval,
      p: compared.p,
      onlyModel: onlyFirst,
      onlyBaseline: onlySecond,
    },
  };
}

function isRight(answer: Answer | undefined): boolean {
  return answer !== undefined && answer.predicted === answer.class;
}

/** Where the features of a picture are. */
type Known = ReadonlyMap<string, { readonly of: BackboneFeatures; readonly row: number }>;

function rowsBySha(features: readonly BackboneFeatures[]): Known {
  return new Map(features.flatMap((of) => of.sha256.map((sha, row) => [sha, { of, row }] as const)));
}

function rowsOf(sha256: readonly string[], known: Known): number[] {
  return sha256.flatMap((sha, row) => (known.has(sha) ? [row] : []));
}

/** The same pictures by the backbone's features. */
function pooled(of: Labelled & Pick<Gallery, 'sha256'>, rows: readonly number[], known: Known): Labelled {
  const dimensions = known.values().next().value?.of.dimensions ?? 0;
  const embeddings = new Float32Array(rows.length * dimensions);
  for (const [i, row] of rows.entries()) {
    const place = known.get(of.sha256[row] ?? '');
    const from = (place?.row ?? 0) * dimensions;
    embeddings.set(place?.of.embeddings.subarray(from, from + dimensions) ?? [], i * dimensions);
  }
  return { dimensions, ...namesOf(of, rows), embeddings };
}

function answersFrom(
  queries: Labelled,
  gallery: Gallery,
  rows: readonly number[],
  rule: Rule,
): readonly Answer[] {
  const { dimensions, distance } = gallery;
  const embeddings = new Float32Array(rows.length * dimensions);
  for (const [i, row] of rows.entries()) {
    embeddings.set(gallery.embeddings.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
  }
  const part = { dimensions, distance, ...namesOf(gallery, rows), embeddings };
  return evaluateWithAnswers(queries, part, rule).answers;
}

function namesOf({ keys, classes }: Labelled, rows: readonly number[]): Pick<Labelled, 'keys' | 'classes'> {
  return { keys: rows.map((row) => keys[row] ?? ''), classes: rows.map((row) => classes[row] ?? '') };
}
