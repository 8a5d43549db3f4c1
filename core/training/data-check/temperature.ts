/** From how near classes are to how much speaks for each: a softmax whose temperature fits the labels best. */

/** Sharper than this is more than a few pictures can prove. */
const COLDEST = 0.03;
const HOTTEST = 1;
const STEPS = 40;

/** exp(score / temperature), scaled to sum up to 1. */
export function softmax(scores: Float64Array, temperature: number): Float64Array {
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp((score - most) / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The temperature under which the labels are most likely (Guo et al. 2017), of a grid that is even in its logarithm. */
export function fittingTemperature(scores: readonly Float64Array[], labels: readonly number[]): number {
  const grid = Array.from({ length: STEPS }, (_, i) => COLDEST * (HOTTEST / COLDEST) ** (i / (STEPS - 1)));
  const surprise = (temperature: number): number =>
    scores.reduce(
      (sum, each, i) =>
        sum - Math.log(Math.max(1e-9, softmax(each, temperature)[labels[i] as number] as number)),
      0,
    );
  const values = grid.map(surprise);
  return grid[values.indexOf(Math.min(...values))] as number;
}
