/** One observation: its features, the target probability and how often it counts. */
export interface Observation {
  readonly features: readonly number[];
  readonly target: number;
  readonly weight: number;
}

const RIDGE = 1e-3;
const MAX_STEPS = 100;
const TOLERANCE = 1e-9;

/** 1 / (1 + e^-x). */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/**
 * Logistic regression by Newton's method with halved steps, as Lin, Lin and Weng (2007, "A note on Platt's probabilistic outputs for support
 * vector machines") do it. A ridge of 1e-3 on the slopes keeps it solvable when a feature is constant.
 * @returns the intercept, then one slope a feature, which minimise the weighted cross-entropy to the targets
 */
export function fitLogistic(observations: readonly Observation[]): number[] {
  const width = 1 + (observations[0]?.features.length ?? 0);
  let coefficients = Array.from({ length: width }, () => 0);
  let value = logisticObjective(observations, coefficients);
  for (let step = 0; step < MAX_STEPS; step++) {
    const { gradient, hessian } = derivatives(observations, coefficients);
    if (Math.max(...gradient.map(Math.abs)) < TOLERANCE) break;
    const direction = solve(hessian, gradient);
    let [size, next, nextValue] = [1, coefficients, Infinity];
    for (; size > 1e-10; size /= 2) {
      next = coefficients.map((c, i) => c - size * (direction[i] ?? 0));
      nextValue = logisticObjective(observations, next);
      if (nextValue < value) break;
    }
    if (nextValue >= value) break;
    [coefficients, value] = [next, nextValue];
  }
  return coefficients;
}

/** What {@link fitLogistic} minimises. */
export function logisticObjective(
  observations: readonly Observation[],
  coefficients: readonly number[],
): number {
  let sum = 0;
  for (const { features, target, weight } of observations) {
    const x = linear(features, coefficients);
    // log(1 + e^x) - target * x, without overflow.
    sum += weight * (Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) - target * x);
  }
  return sum + (RIDGE / 2) * coefficients.slice(1).reduce((total, c) => total + c * c, 0);
}

function linear(features: readonly number[], coefficients: readonly number[]): number {
  return features.reduce((sum, x, i) => sum + x * (coefficients[i + 1] ?? 0), coefficients[0] ?? 0);
}

function derivatives(
  observations: readonly Observation[],
  coefficients: readonly number[],
): { gradient: number[]; hessian: number[][] } {
  const gradient = coefficients.map((c, i) => (i === 0 ? 0 : RIDGE * c));
  // The intercept's tiny diagonal keeps the matrix regular when every probability is saturated.
  const hessian: number[][] = coefficients.map((_, i) =>
    coefficients.map((__, j) => (i !== j ? 0 : i === 0 ? 1e-12 : RIDGE)),
  );
  for (const { features, target, weight } of observations) {
    const probability = sigmoid(linear(features, coefficients));
    const inputs = [1, ...features];
    for (const [i, x] of inputs.entries()) {
      gradient[i] = (gradient[i] ?? 0) + weight * (probability - target) * x;
      const row = hessian[i] ?? [];
      for (const [j, y] of inputs.entries()) {
        row[j] = (row[j] ?? 0) + weight * probability * (1 - probability) * x * y;
      }
    }
  }
  return { gradient, hessian };
}

/** Solves a small linear system by Gaussian elimination with row exchange. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    const below = rows.slice(column).sort((a, b) => Math.abs(b[column] ?? 0) - Math.abs(a[column] ?? 0));
    rows.splice(column, n - column, ...below);
    const pivot = rows[column] ?? [];
    for (const [i, row] of rows.entries()) {
      if (i === column) continue;
      const factor = (row[column] ?? 0) / (pivot[column] ?? 1);
      for (let j = column; j <= n; j++) row[j] = (row[j] ?? 0) - factor * (pivot[j] ?? 0);
    }
  }
  return rows.map((row, i) => (row[n] ?? 0) / (row[i] ?? 1));
}
