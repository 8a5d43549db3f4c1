import { all } from './all.ts';
import { batchHard } from './batch-hard.ts';
import { closeDistance } from './close-distance.ts';
import { random } from './random.ts';
import { semiHard } from './semi-hard.ts';

export type { Miner } from './miner.ts';

/** Every miner by its name. */
export const miners = {
  all,
  random,
  'close-distance': closeDistance,
  'semi-hard': semiHard,
  'batch-hard': batchHard,
};

export type MinerName = keyof typeof miners;
