import { InvalidInputError } from '../errors.ts';
import { checkKey, checkSha256 } from './names.ts';

/** How far two embeddings are apart: the sum of squared differences, or 1 minus the cosine of the angle. Smaller is closer. */
export const GALLERY_DISTANCES = ['squared-euclidean', 'cosine'] as const;
export type GalleryDistance = (typeof GALLERY_DISTANCES)[number];

/** The embedder that made embeddings: those of two embedders must never be compared. */
export interface EmbedderId {
  readonly model: string;
  /** What tells this version of the model from all others: its number, or the checksum of its network. */
  readonly version: string;
}

/** n embeddings with keys and classes: row i of `embeddings` (n x dimensions, row-major) belongs to `keys[i]` of `classes[i]`. */
export interface Labelled {
  readonly dimensions: number;
  readonly keys: readonly string[];
  readonly classes: readonly string[];
  readonly embeddings: Float32Array;
}

/** The pictures that a version knows, as embeddings. Nothing changes a gallery: every operation gives a new one. */
export interface Gallery extends Labelled {
  /** SHA-256 of each picture's bytes, 64 lower-case hex digits. */
  readonly sha256: readonly string[];
  readonly distance: GalleryDistance;
  /** Null for embeddings of unknown origin. */
  readonly embedder: EmbedderId | null;
}

export type GalleryParts = Labelled & { readonly sha256: readonly string[] } & Partial<
    Pick<Gallery, 'distance' | 'embedder'>
  >;

/**
 * Checks the parts and puts a gallery together; the arrays are taken over, not copied.
 * Keys are `<class>/<file>` and unique. `distance` is squared-euclidean and `embedder` null unless given.
 * @throws InvalidInputError saying which row is wrong
 */
export function createGallery(parts: GalleryParts): Gallery {
  const { dimensions, keys, classes, sha256, embeddings } = parts;
  if (!Number.isInteger(dimensions) || dimensions < 1) {
    throw new InvalidInputError(`A gallery has at least 1 dimension, not ${dimensions}.`);
  }
  if (classes.length !== keys.length || sha256.length !== keys.length) {
    throw new InvalidInputError(
      `A gallery has one class and one SHA-256 a key: got ${keys.length} keys, ${classes.length} classes, ${sha256.length} SHA-256.`,
    );
  }
  checkEmbeddings(embeddings, keys.length, dimensions);
  checkRows(keys, classes, sha256);
  return Object.freeze({
    dimensions,
    keys: Object.freeze(keys),
    classes: Object.freeze(classes),
    sha256: Object.freeze(sha256),
    embeddings,
    distance: parts.distance ?? 'squared-euclidean',
    embedder: parts.embedder ?? null,
  });
}

/**
 * Checks that an array holds `rows` embeddings of finite numbers.
 * @throws InvalidInputError naming the first row that is wrong
 */
export function checkEmbeddings(embeddings: Float32Array, rows: number, dimensions: number): void {
  if (embeddings.length !== rows * dimensions) {
    throw new InvalidInputError(
      `${rows} embeddings of ${dimensions} dimensions are ${rows * dimensions} numbers, not ${embeddings.length}. Were they made by another version of the model?`,
    );
  }
  const wrong = embeddings.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new InvalidInputError(
      `Embedding ${Math.floor(wrong / dimensions)} holds ${embeddings[wrong]}; only finite numbers are allowed.`,
    );
  }
}

/**
 * Checks one picture's names and checksum.
 * @throws InvalidInputError
 */
export function checkPicture(key: string, className: string, sha256: string): void {
  checkKey(key, className);
  checkSha256(sha256, key);
}

/** Row i of an embedding matrix, without copying. */
export function embeddingAt(of: Labelled, row: number): Float32Array {
  return of.embeddings.subarray(row * of.dimensions, (row + 1) * of.dimensions);
}

/** The classes that have pictures, sorted in code-unit order. */
export function classNames(of: Labelled): string[] {
  return [...new Set(of.classes)].sort(compareText);
}

/** Code-unit order, the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a gallery's embeddings may be compared with: same dimensions, same distance, same embedder. */
export type Binding = Pick<Gallery, 'dimensions' | 'distance' | 'embedder'>;

function checkRows(keys: readonly string[], classes: readonly string[], sha256: readonly string[]): void {
  const seen = new Set<string>();
  for (const [i, key] of keys.entries()) {
    checkPicture(key, classes[i] ?? '', sha256[i] ?? '');
    if (seen.has(key))
      throw new InvalidInputError(`The key ${JSON.stringify(key)} is there twice; keys are unique.`);
    seen.add(key);
  }
}
