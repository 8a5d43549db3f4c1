import { defineDistance } from './distance.ts';
import { squaredEuclidean } from './squared-euclidean.ts';
import { safeSqrt } from './stable.ts';

/** |a - b|, with gradient 0 where a = b. */
export const euclidean = defineDistance({
  name: 'euclidean',
  largerIsCloser: false,
  pairwise: (a, b) => safeSqrt(squaredEuclidean.pairwise(a, b)),
  rowwise: (a, b) => safeSqrt(squaredEuclidean.rowwise(a, b)),
});
