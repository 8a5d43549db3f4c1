/** Multiplies matrices whose inner dimension is large, one product after the other, until the file of its argument is there. */
import { existsSync } from 'node:fs';
import { tf } from '../../../../core/network/tensorflow.ts';

const [, , stop = ''] = process.argv;
const a = tf.ones([512, 4096]);
do tf.matMul(a, a, false, true).dispose();
while (!existsSync(stop));
