/**
 * Variables that TensorFlow updates in place.
 *
 * tfjs makes a new tensor for every change; on the siamese head's 51 million weights that alone costs more than the
 * rest of a step. A resource variable is a buffer of TensorFlow's own that `ResourceApplyAdam` writes into.
 */
import type { Tensor } from '@tensorflow/tfjs-node';
import { float, run, runForEffect, shape as shapeAttribute, text } from './raw-ops.ts';

let live = 0;
let serial = 0;

/** How many variables exist now; a test holds it constant over epochs. */
export function liveVariables(): number {
  return live;
}

/** A variable of TensorFlow's own, which operations update in place. Dispose of it after use. */
export class ResourceVariable {
  readonly shape: number[];
  readonly #handle: Tensor;

  /** @param initial is copied from and left to the caller. */
  constructor(initial: Tensor) {
    this.shape = initial.shape;
    this.#handle = run(
      'VarHandleOp',
      [
        text('container', ''),
        text('shared_name', `kindred-${++serial}`),
        float('dtype'),
        shapeAttribute('shape', this.shape),
      ],
      [],
    );
    // A buffer that no tensor shares: a shared one would be copied at the first update.
    const own = run('Copy', [float()], [initial]);
    this.assign(own);
    own.dispose();
    live++;
  }

  get handle(): Tensor {
    return this.#handle;
  }

  /** The value, sharing the variable's buffer: dispose of it before the next update, else TensorFlow copies the buffer. */
  read(): Tensor {
    return run('ReadVariableOp', [float('dtype')], [this.#handle]);
  }

  /** A copy of the value as plain numbers, row-major. */
  numbers(): Float32Array {
    const value = this.read();
    const numbers = value.dataSync() as Float32Array;
    value.dispose();
    return numbers;
  }

  assign(value: Tensor): void {
    runForEffect('AssignVariableOp', [float('dtype')], [this.#handle, value]);
  }

  dispose(): void {
    runForEffect('DestroyResourceOp', [], [this.#handle]);
    this.#handle.dispose();
    live--;
  }
}
