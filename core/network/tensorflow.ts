/**
 * The one place that imports TensorFlow. Everything else takes `tf` and the raw operations from here.
 */
import './node-shims.ts';
import * as tf from '@tensorflow/tfjs-node';

export { tf };
