/**
 * A thread with one session of ONNX Runtime, which for Node computes on the thread that asks. Started by onnx-session.ts, and plain
 * JavaScript, so that a thread needs no TypeScript to begin with. The first message is the model.
 */
import { parentPort } from 'node:worker_threads';

/**
 * @typedef {import('./onnx-session.ts').Feed} Feed
 * @typedef {{ model: string | Uint8Array, options: import('onnxruntime-node').InferenceSession.SessionOptions }} Model
 * @typedef {{ id: number, feeds: Record<string, Feed>, output: string }} Question
 * @typedef {Model | Question | 'close'} Asked
 */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);

// Begins before there is a model; whoever sends one is told what went wrong.
const library = import('onnxruntime-node');
library.catch(() => undefined);

/** @type {typeof import('onnxruntime-node') | undefined} */
let ort;
/** @type {import('onnxruntime-node').InferenceSession | undefined} */
let session;

let last = Promise.resolve();
port.on('message', (/** @type {Asked} */ asked) => {
  last = last.then(() => take(asked));
});

/** @param {Asked} asked */
function take(asked) {
  if (asked === 'close') return end();
  return 'model' in asked ? open(asked) : answer(asked);
}

/** @param {Model} asked */
async function open({ model, options }) {
  try {
    ({ default: ort } = await library);
    // Notes on hardware that it does not find.
    ort.env.logLevel = 'error';
    // Its types know files and bytes as two functions.
    const opened =
      typeof model === 'string'
        ? await ort.InferenceSession.create(model, options)
        : await ort.InferenceSession.create(model, options);
    session = opened;
    const { inputMetadata: inputs, outputMetadata: outputs } = opened;
    port.postMessage({ opened: { runtime: ort.env.versions.node ?? 'unknown', inputs, outputs } });
  } catch (error) {
    const { message, code } = /** @type {NodeJS.ErrnoException} */ (error);
    port.postMessage({ refused: { message, code } });
    port.close();
  }
}

/** @param {Question} question */
async function answer({ id, feeds, output }) {
  try {
    const given = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensorOf(feed)]));
    const { [output]: result } = (await session?.run(given, [output])) ?? {};
    port.postMessage({ id, data: await result?.getData() });
  } catch (error) {
    port.postMessage({ id, failed: error instanceof Error ? error.message : String(error) });
  }
}

/** @param {Feed} feed */
function tensorOf({ data, shape, type = 'float32' }) {
  const { Tensor } = /** @type {typeof import('onnxruntime-node')} */ (ort);
  return type === 'uint8'
    ? new Tensor('uint8', data, shape)
    : new Tensor('float32', new Float32Array(data), shape);
}

async function end() {
  const ended = session;
  session = undefined;
  await ended?.release();
  port.close();
}
