/** What tuning from cached maps has to compute, for recipes to say. */
import { multiplications } from '../network/work.ts';
import type { NetworkGraph } from '../network/graph.ts';
import type { Workload } from './recipe.ts';

/** A forward pass, and the gradients by what goes into each operation and by its weights. */
const STEP = 3;

export interface Tuning {
  /** What is tuned, and the node whose outputs are cached. */
  readonly tuned: NetworkGraph;
  readonly from: string;
  /** The network that answers in the end. */
  readonly embedding: NetworkGraph;
  /** Pictures that go forward and back, over all steps together. */
  readonly trainedPictures: number;
  /** Pictures that only go forward, over all epochs together. */
  readonly judgedPictures: number;
}

export function tuningWorkload(tuning: Tuning): Workload {
  const { tuned, from, embedding, trainedPictures, judgedPictures } = tuning;
  const pass = multiplications(tuned, [tuned.output], [from]);
  return {
    training: pass * (STEP * trainedPictures + judgedPictures),
    embedding: multiplications(embedding),
  };
}

/** How many different ones are among `drawn` draws from `count`, on average. */
export function distinctAmong(count: number, drawn: number): number {
  return count * (1 - (1 - 1 / count) ** drawn);
}
