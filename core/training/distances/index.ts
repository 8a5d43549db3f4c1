import { cosine } from './cosine.ts';
import { dotProduct } from './dot-product.ts';
import { euclidean } from './euclidean.ts';
import { squaredEuclidean } from './squared-euclidean.ts';

export type { Distance } from './distance.ts';
export { distanceMatrix, type DistanceMatrix } from './matrix.ts';

/** Every distance by its name. */
export const distances = {
  'squared-euclidean': squaredEuclidean,
  euclidean,
  cosine,
  'dot-product': dotProduct,
};
