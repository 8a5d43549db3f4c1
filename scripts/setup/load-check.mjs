/**
 * A program of its own, since a binding that does not fit can end the process: loads tfjs-node from the folder given, computes
 * something, and prints what it found as JSON.
 */
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);

// tfjs-node 4.22 calls these two; Node 23 removed them.
const util = require('node:util');
util.isNullOrUndefined ??= (/** @type {unknown} */ value) => value === null || value === undefined;
util.isArray ??= Array.isArray;

const tf = require(path.resolve(process.argv[2] ?? ''));
const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync();
if (`${product}` !== '19,22,43,50') throw new Error(`TensorFlow multiplies wrongly: ${product}`);
const { binding, isUsingGpuDevice } = tf.backend();
process.stdout.write(`\n${JSON.stringify({ tensorflow: binding.TF_Version, gpu: isUsingGpuDevice })}\n`);
