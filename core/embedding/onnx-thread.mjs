/**
 * A thread with one session of ONNX Runtime, which for Node computes on the thread that asks. Started by onnx-session.ts, and plain
 * JavaScript, so that a thread needs no TypeScript to begin with.
 */
import { parentPort, workerData } from 'node:worker_threads';

/**
 * @typedef {import('./onnx-session.ts').Feed} Feed
 * @typedef {{ id: number, feeds: Record<string, Feed>, output: string } | 'close'} Asked
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
  const tensorOf = ({ data, shape, type = 'float32' }) =>
    type === 'uint8'
      ? new ort.Tensor('uint8', data, shape)
      : new ort.Tensor('float32', new Float32Array(data), shape);

  let last = Promise.resolve();
  port.on('message', (/** @type {Asked} */ asked) => {
    last = last.then(() => (asked === 'close' ? end() : answer(asked)));
  });

  const end = async () => {
    await session.release();
    port.close();
  };

  /** @param {Exclude<Asked, 'close'>} asked */
  const answer = async ({ id, feeds, output }) => {
    try {
      const given = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensorOf(feed)]));
      const { [output]: result } = await session.run(given, [output]);
      port.postMessage({ id, data: await result?.getData() });
    } catch (error) {
      port.postMessage({ id, failed: error instanceof Error ? error.message : String(error) });
    }
  };

  const { inputMetadata: inputs, outputMetadata: outputs } = session;
  port.postMessage({ opened: { runtime: ort.env.versions.node ?? 'unknown', inputs, outputs } });
} catch (error) {
  const { message, code } = /** @type {NodeJS.ErrnoException} */ (error);
  port.postMessage({ refused: { message, code } });
  port.close();
}
