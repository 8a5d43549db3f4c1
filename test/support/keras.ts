/** What Keras computed of the original program's network; see test/fixtures/parity/README.md. */
import { readFileSync } from 'node:fs';
import type { PlacedParameter } from '../../core/network/graph.ts';

export interface Keras {
  readonly weights_head_seeds: Readonly<Record<string, number>>;
  readonly images: readonly string[];
  readonly labels: readonly number[];
  readonly trainable: number;
  readonly non_trainable: number;
  readonly pooled_first16: readonly (readonly number[])[];
  readonly pooled_l2: readonly number[];
  readonly embedding_before_first8: readonly (readonly number[])[];
  readonly squared_distances_before: readonly (readonly number[])[];
  readonly close_distance_triplets: readonly (readonly number[])[];
  readonly runs: readonly {
    readonly learning_rate: number;
    readonly margin: number;
    readonly mean_loss_per_step: readonly number[];
    readonly embedding_after_first8: readonly (readonly number[])[];
  }[];
}

const fixtures = new URL('../fixtures/parity/', import.meta.url);

export function kerasFixtures(): { readonly keras: Keras; readonly image: (name: string) => Uint8Array } {
  const keras = JSON.parse(readFileSync(new URL('keras.json', fixtures), 'utf8')) as Keras;
  return { keras, image: (name) => readFileSync(new URL(`images/${name}`, fixtures)) };
}

export const headSeeds: Readonly<Record<string, number>> = { dense_1: 1, dense_2: 2, dense_3: 3 };

/** The head's weights as the README's hash draws them. */
export function hashedHead(
  { node, shape, initial }: PlacedParameter,
  start: number,
  count: number,
): Float32Array {
  const [inputs = 1, outputs = 1] = shape;
  const numbers = new Float32Array(count * (shape.length === 2 ? outputs : 1));
  if (initial !== 'glorot-uniform') return numbers.fill(initial === 'ones' ? 1 : 0);
  const limit = Math.sqrt(6 / (inputs + outputs));
  const offset = start * outputs + Math.imul(headSeeds[node] as number, 0x9e3779b9);
  for (let i = 0; i < numbers.length; i++) {
    let h = i + offset;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    numbers[i] = (((h >>> 0) / 2 ** 32) * 2 - 1) * limit;
  }
  return numbers;
}
