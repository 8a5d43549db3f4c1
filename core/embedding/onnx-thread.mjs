/**
 * A thread with one session of ONNX Runtime, which for Node computes on the thread that asks. Started by onnx-session.ts, and plain
 * JavaScript, so that a thread needs no TypeScript to begin with.
 */
import { parentPort, workerData } from 'node:worker_threads';

/**
 * @typedef {import('./onnx-session.ts').Feed} Feed
 * @typedef {{ id: number, feeds: Record<string, Feed>, output: string, shape?: readonly number[] } | 'close'} Asked
 */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);

try {
  const { default: ort } = await import('onnxruntime-node');
  // Notes on hardware that it does not find.
  ort.env.logLevel = 'error';

  const open = () => {
    /** @type {{ model: string | Uint8Array, options: import('onnxruntime-node').InferenceSession.SessionOptions }} */
    const { model, options } = workerData;
    // Nobody needs the bytes once it is open.
    delete workerData.model;
    // Its types know files and bytes as two functions.
    return typeof model === 'string'
      ? ort.InferenceSession.create(model, options)
      : ort.InferenceSession.create(model, options);
  };
  const session = await open();

  /** @param {Feed} feed */
  const tensorOf = ({ data, shape, stored }) => {
    const numbers = data instanceof Float32Array ? data : new Float32Array(data);
    return new ort.Tensor('float32', stored === 'by-columns' ? byRows(numbers, shape) : numbers, shape);
  };
  const constants = Object.fromEntries(
    Object.entries(/** @type {Record<string, Feed>} */ (workerData.held)).map(([name, feed]) => [
      name,
      tensorOf(feed),
    ]),
  );

  let last = Promise.resolve();
  port.on('message', (/** @type {Asked} */ asked) => {
    last = last.then(() => (asked === 'close' ? end() : answer(asked)));
  });

  const end = async () => {
    await session.release();
    port.close();
  };

  /** @param {Exclude<Asked, 'close'>} asked */
  const answer = async ({ id, feeds, output, shape }) => {
    try {
      const given = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensorOf(feed)]));
      const data = await compute({ ...constants, ...given }, output, shape);
      port.postMessage({ id, data }, shape === undefined ? [] : [/** @type {ArrayBuffer} */ (data.buffer)]);
    } catch (error) {
      port.postMessage({ id, failed: error instanceof Error ? error.message : String(error) });
    }
  };

  /**
   * @param {Record<string, import('onnxruntime-node').Tensor>} feeds
   * @param {string} output
   * @param {readonly number[] | undefined} shape
   */
  const compute = async (feeds, output, shape) => {
    if (shape !== undefined) {
      const into = new Float32Array(shape.reduce((product, size) => product * size, 1));
      await session.run(feeds, { [output]: new ort.Tensor('float32', into, shape) });
      return into;
    }
    const { [output]: result } = await session.run(feeds, [output]);
    return /** @type {Float32Array} */ (await result?.getData());
  };

  const { inputMetadata: inputs, outputMetadata: outputs } = session;
  port.postMessage({ opened: { runtime: ort.env.versions.node ?? 'unknown', inputs, outputs } });
} catch (error) {
  const { message, code } = /** @type {NodeJS.ErrnoException} */ (error);
  port.postMessage({ refused: { message, code } });
  port.close();
}

/**
 * The numbers of a matrix row after row, of one that is stored column after column.
 * @param {Float32Array} numbers
 * @param {readonly number[]} shape
 */
function byRows(numbers, [rows = 0, columns = 0]) {
  const result = new Float32Array(numbers.length);
  // Strips as wide as a line of the cache holds, so that each is filled at once.
  for (let first = 0; first < columns; first += 64) {
    const end = Math.min(columns, first + 64);
    for (let row = 0; row < rows; row++) {
      for (let column = first; column < end; column++) {
        result[row * columns + column] = /** @type {number} */ (numbers[column * rows + row]);
      }
    }
  }
  return result;
}
