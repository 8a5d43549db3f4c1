import { tf } from '../../network/tensorflow.ts';

/** The square root of values >= 0, with gradient 0 at 0, where that of tf.sqrt is infinite. */
export function safeSqrt<T extends tf.Tensor>(values: T): T {
  const root = tf.customGrad((x, save) => {
    const y = tf.sqrt(x as tf.Tensor);
    (save as tf.GradSaveFunc)([y]);
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.divNoNan(tf.mul(dy, 0.5), saved[0] as tf.Tensor),
    };
  });
  return root(values) as T;
}

/** Rows [n, d] scaled to length 1; a row of zeros stays zero, with gradient 0. */
export function unitRows(rows: tf.Tensor2D): tf.Tensor2D {
  const unit = tf.customGrad((x, save) => {
    const length = tf.sqrt(tf.sum(tf.square(x as tf.Tensor), 1, true));
    const y = tf.divNoNan(x as tf.Tensor, length);
    (save as tf.GradSaveFunc)([y, length]);
    return { value: y, gradFunc: unitRowsGradient };
  });
  return unit(rows) as tf.Tensor2D;
}

/** Only the part of the gradient across the row's direction remains: (dy - y (y . dy)) / length. */
function unitRowsGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor {
  const [y, length] = saved as [tf.Tensor, tf.Tensor];
  const along = tf.mul(y, tf.sum(tf.mul(y, dy), 1, true));
  return tf.divNoNan(tf.sub(dy, along), length);
}
