/**
 * A file of arrays that many models share: large arrays one after the other, as ONNX's external data has them. Its name is
 * its SHA-256, and a model names it and the places of its arrays.
 */
import { createHash } from 'node:crypto';
import type { ExternalPlace } from './model.ts';
import type { Promised } from './protobuf.ts';

interface Place {
  readonly offset: number;
  readonly length: number;
  /** Of the array's bytes. */
  readonly sha256: string;
}

export interface SharedWeights {
  /** SHA-256 of the whole file, which is also its name. */
  readonly sha256: string;
  /** By the array's name in a model. */
  readonly places: ReadonlyMap<string, Place>;
}

/** Where the file has just these bytes under this name, or null. */
export function placeIn(
  { sha256, places }: SharedWeights,
  name: string,
  data: Promised,
): ExternalPlace | null {
  const place = places.get(name);
  if (place === undefined || place.length !== data.length || sha256Of(data) !== place.sha256) return null;
  return { location: sha256, offset: place.offset, length: place.length };
}

export function sha256Of(data: Promised): string {
  const hash = createHash('sha256');
  for (const piece of data.pieces()) hash.update(piece);
  return hash.digest('hex');
}
