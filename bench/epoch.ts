import { median } from './results.ts';
import type { EpochResult } from './results.ts';
import { kerasEpoch, kindredEpoch } from './sides.ts';
import { table } from './table.ts';

/** Every round of both sides; Kindred's is empty while it is not wired. */
export interface EpochRounds {
  readonly data: string;
  readonly keras: readonly EpochResult[];
  readonly kindred: readonly EpochResult[];
}

export interface EpochOptions {
  readonly python: string;
  readonly weights: string;
  readonly data: string;
  readonly rounds: number;
}

/** The seed's values: pictures of 200x200, batches of 32 triplets, margin 0.5, Adam with 1e-6. */
const SEED = { size: 200, batch: 32, margin: 0.5, learningRate: 1e-6 };

/** Mining and one epoch of the seed's procedure, both sides in turn. */
export async function measureEpoch(options: EpochOptions): Promise<EpochRounds> {
  const { python, weights, data, rounds } = options;
  const work = { ...SEED, weights, data };
  const results: { keras: EpochResult[]; kindred: EpochResult[] } = { keras: [], kindred: [] };
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`epoch, round ${round} of ${rounds}\n`);
    results.keras.push(await kerasEpoch(python, work));
    results.kindred.push(await kindredEpoch(work));
  }
  return { data, ...results };
}

const QUANTITIES: readonly (readonly [string, string, (result: EpochResult) => number])[] = [
  ['triplet mining, s', 'at least 8', (result) => result.miningSeconds],
  ['one epoch, s', 'at least 4', (result) => result.epochSeconds],
  [
    'load, mining and epoch, s',
    '',
    (result) => result.loadSeconds + result.miningSeconds + result.epochSeconds,
  ],
  ['peak memory, GB', 'at least 2', (result) => result.peakBytes / 1e9],
  ['triplets', '', (result) => result.triplets],
  ['steps', '', (result) => result.steps],
  ["mean loss of the epoch's triplets", '', (result) => result.loss],
];

export function epochTable(rounds: EpochRounds): string {
  const rows = QUANTITIES.map(([name, goal, quantity]) => {
    const theirs = median(rounds.keras.map(quantity));
    const ours = median(rounds.kindred.map(quantity));
    return [name, theirs.toFixed(2), ours.toFixed(2), goal === '' ? '' : (theirs / ours).toFixed(2), goal];
  });
  return table([['', 'Keras (the seed)', 'Kindred', 'times better', 'goal'], ...rows]);
}
