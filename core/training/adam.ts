/**
 * Adam (Kingma and Ba 2015) as Keras computes it, in place:
 *
 *   m = b1 m + (1 - b1) g     v = b2 v + (1 - b2) g^2
 *   w = w - rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)
 */
import type { Tensor } from '@tensorflow/tfjs-node';
import type { ParameterGradient } from '../network/ops/operation.ts';
import type { ParameterStore } from '../network/parameters.ts';
import { bool, float, runForEffect } from '../network/raw-ops.ts';
import type { ArraySource, SafetensorsFile } from '../network/safetensors.ts';
import { tf } from '../network/tensorflow.ts';
import { ResourceVariable } from '../network/variables.ts';

export interface AdamOptions {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** Keras' values, but for the learning rate, which each recipe chooses. */
export const ADAM_DEFAULTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

interface Moments {
  readonly first: ResourceVariable;
  readonly second: ResourceVariable;
}

/** The optimizer of a network's trained parameters. Dispose of it after use. */
export class Adam {
  readonly #parameters: ParameterStore;
  readonly #options: AdamOptions;
  readonly #moments = new Map<string, Moments>();
  #steps = 0;
  #scalars: Tensor[] = [];

  constructor(parameters: ParameterStore, options: AdamOptions) {
    this.#parameters = parameters;
    this.#options = options;
    for (const { name, piece, variable } of parameters.variables()) {
      this.#moments.set(`${name}#${piece}`, { first: zerosLike(variable), second: zerosLike(variable) });
    }
  }

  /** Updates made so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Begins the next update; call it once a batch. @param rateFactor multiplies the learning rate, for schedules. */
  begin(rateFactor = 1): void {
    this.#steps++;
    const { learningRate, beta1, beta2, epsilon } = this.#options;
    tf.dispose(this.#scalars);
    this.#scalars = [
      beta1 ** this.#steps,
      beta2 ** this.#steps,
      learningRate * rateFactor,
      beta1,
      beta2,
      epsilon,
    ].map((value) => tf.keep(tf.scalar(value)));
  }

  /** Applies one gradient; it stays the caller's. */
  readonly apply = ({ name, piece, gradient }: ParameterGradient): void => {
    const { first, second } = this.#moments.get(`${name}#${piece}`) as Moments;
    const variable = this.#parameters.variable(name, piece);
    runForEffect(
      'ResourceApplyAdam',
      [float(), bool('use_locking', false), bool('use_nesterov', false)],
      [variable.handle, first.handle, second.handle, ...this.#scalars, gradient],
    );
  };

  /** The moments, as arrays for a checkpoint. */
  sources(): ArraySource[] {
    return [...this.#moments].flatMap(([key, { first, second }]) => [
      source(`adam/first/${key}`, first),
      source(`adam/second/${key}`, second),
    ]);
  }

  /** Forgets all updates. */
  reset(): void {
    this.#steps = 0;
    for (const { first, second } of this.#moments.values()) {
      for (const variable of [first, second]) assign(variable, new Float32Array(sizeOf(variable)));
    }
  }

  /** Goes on where a checkpoint left off. */
  restore(file: SafetensorsFile, steps: number): void {
    this.#steps = steps;
    for (const [key, { first, second }] of this.#moments) {
      assign(first, file.read(`adam/first/${key}`));
      assign(second, file.read(`adam/second/${key}`));
    }
  }

  dispose(): void {
    tf.dispose(this.#scalars);
    for (const { first, second } of this.#moments.values()) {
      first.dispose();
      second.dispose();
    }
    this.#moments.clear();
  }
}

function zerosLike(variable: ResourceVariable): ResourceVariable {
  const zeros = tf.zeros(variable.shape);
  const made = new ResourceVariable(zeros);
  zeros.dispose();
  return made;
}

const sizeOf = ({ shape }: ResourceVariable): number => shape.reduce((a, b) => a * b, 1);

function source(name: string, variable: ResourceVariable): ArraySource {
  return {
    name,
    shape: variable.shape,
    pieces: () => [variable.numbers()],
  };
}

function assign(variable: ResourceVariable, numbers: Float32Array): void {
  const value = tf.tensor(numbers, variable.shape);
  variable.assign(value);
  value.dispose();
}
