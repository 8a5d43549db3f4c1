/**
 * The home of TensorFlow: everything else takes `tf` and the raw operations from here. The library is loaded by the first use of `tf`, not by
 * importing this file, so that a process can read the names and options of losses and recipes without it.
 */
import { createRequire } from 'node:module';
import type * as tfjs from '@tensorflow/tfjs-node';
import './node-shims.ts';

const require = createRequire(import.meta.url);
let loaded: typeof tfjs | undefined;

export const tf = new Proxy({} as typeof tfjs, {
  get(_, name: keyof typeof tfjs) {
    loaded ??= require('@tensorflow/tfjs-node') as typeof tfjs;
    return loaded[name];
  },
});

/** The types of TensorFlow that are used under its name. */
export declare namespace tf {
  type Rank = tfjs.Rank;
  type Tensor<R extends tfjs.Rank = tfjs.Rank> = tfjs.Tensor<R>;
  type Scalar = tfjs.Scalar;
  type Tensor1D = tfjs.Tensor1D;
  type Tensor2D = tfjs.Tensor2D;
  type GradSaveFunc = tfjs.GradSaveFunc;
}
