import { byName } from '../by-name.ts';
import { all } from './all.ts';
import { batchHard } from './batch-hard.ts';
import { closeDistance } from './close-distance.ts';
import type { Miner, MinerKind } from './miner.ts';
import { random } from './random.ts';
import { semiHard } from './semi-hard.ts';

/** Every miner by its name. */
export const miners = {
  all,
  random,
  'close-distance': closeDistance,
  'semi-hard': semiHard,
  'batch-hard': batchHard,
};

export type MinerName = keyof typeof miners;

/** The miner of this name with these options, both as they were written; wrong ones are errors that say what is allowed. */
export function createMiner(name: string, options: unknown = {}): Miner {
  return byName<MinerKind>(miners, 'miner', name).create(options as Record<string, unknown>);
}
