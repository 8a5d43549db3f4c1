/**
 * Rows of float32 in a file, as a tensor whose memory is the mapped file: the operating system holds in memory what fits.
 *
 * Such a tensor is in the processor's memory. An operation on a GPU that takes some of its rows would first have all of it
 * sent over, each time; there, the rows that are wanted are read from the file instead, and they alone are sent.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Tensor } from '@tensorflow/tfjs-node';
import { CorruptDataError } from '../errors.ts';
import { backend, float, run, shape as shapeAttribute, text } from '../network/raw-ops.ts';
import { tf } from '../network/tensorflow.ts';

/** Files that are mapped, by the tensor that is their memory. */
const mapped = new WeakMap<Tensor, string>();

/** @param dimensions (rows, ...) of the file's numbers. @returns a tensor to dispose of; the file must not change before */
export function mapRows(path: string, dimensions: readonly number[]): Tensor {
  if (dimensions[0] === 0) return tf.zeros([...dimensions]);
  const tensor = run(
    'ImmutableConst',
    [float('dtype'), shapeAttribute('shape', [...dimensions]), text('memory_region_name', path)],
    [],
  );
  mapped.set(tensor, path);
  return tensor;
}

/** Those rows of a tensor, mapped or not, in their order. */
export function takeRows(tensor: Tensor, rows: Int32Array): Tensor {
  const path = fileToRead(tensor);
  if (path !== undefined) return readRows(path, tensor.shape, rows);
  return tf.tidy(() => tf.gather(tensor, tf.tensor1d(rows, 'int32')));
}

/** `count` rows of a tensor, mapped or not, from `start` on. */
export function takeBlock(tensor: Tensor, start: number, count: number): Tensor {
  const path = fileToRead(tensor);
  if (path === undefined) return tf.slice(tensor, start, count);
  return readRows(
    path,
    tensor.shape,
    Int32Array.from({ length: count }, (_, i) => start + i),
  );
}

/** Whether a mapped file is read again by its name, so that it has to stay as long as its tensor. */
export const needsFile = (): boolean => backend().isUsingGpuDevice;

const fileToRead = (tensor: Tensor): string | undefined => (needsFile() ? mapped.get(tensor) : undefined);

/**
 * Rows of a file of float32, as a tensor of their own.
 * @param dimensions (rows, ...) of the whole file @throws CorruptDataError when the file ends before them
 */
export function readRows(path: string, dimensions: readonly number[], rows: Int32Array): Tensor {
  const shape = dimensions.slice(1);
  const length = shape.reduce((a, b) => a * b, 1);
  const values = new Float32Array(rows.length * length);
  const file = openSync(path, 'r');
  try {
    for (const [i, row] of rows.entries()) {
      const bytes = new Uint8Array(values.buffer, i * length * 4, length * 4);
      if (readSync(file, bytes, 0, bytes.length, row * bytes.length) !== bytes.length) {
        throw new CorruptDataError(
          `The kept features ${JSON.stringify(path)} end before row ${row}. Run the training again: they are computed anew.`,
        );
      }
    }
  } finally {
    closeSync(file);
  }
  return tf.tensor(values, [rows.length, ...shape]);
}
