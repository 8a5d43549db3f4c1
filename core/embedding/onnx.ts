/** The embedder that runs on ONNX Runtime. TensorFlow is not needed for it. */
import { CorruptDataError } from '../errors.ts';
import type { Pixels, Preprocessing } from '../images/pixels.ts';
import { parsePreprocessing } from '../network/description.ts';
import { bytesOf } from '../network/onnx/bytes.ts';
import { ONNX_FILE, ONNX_INPUT, ONNX_OUTPUT } from '../network/onnx/names.ts';
import { readDescription } from '../network/onnx/read.ts';
import { embedderOf } from './blocks.ts';
import type { Embedder } from './embedder.ts';
import { openOnnx } from './onnx-session.ts';
import type { OnnxSession, SessionOptions, ValueMetadata } from './onnx-session.ts';

/** More at once is faster by less than a tenth, and whoever comes next waits longer. */
const AT_ONCE = 4;

/**
 * The embedder of a model that `writeOnnx` wrote. Dispose of it after use.
 * @param model its bytes, or the path of its file
 * @param options `shared`: the file of weights that the model names. `given`: the bytes are given away, which saves a copy; they are empty afterwards. `threads`: how many compute. `thread`:
 * where it is opened, if there is one already
 * @throws CorruptDataError when it is no such model, or takes pictures of another size
 */
export async function onnxEmbedder(
  model: Uint8Array | string,
  { given = false, ...options }: Pick<SessionOptions, 'shared' | 'given' | 'threads' | 'thread'> = {},
): Promise<Embedder> {
  const what = typeof model === 'string' ? JSON.stringify(model) : ONNX_FILE;
  const preprocessing = preprocessingOf(model, what);
  const session = await openOnnx(model, { what, given, ...options });
  try {
    const { size } = preprocessing;
    return embedderOf({
      dimensions: checkedDimensions(session, size),
      preprocessing,
      engine: { name: 'onnxruntime', onnxruntime: session.runtime, device: 'CPU' },
      atOnce: AT_ONCE,
      async compute(pixels) {
        const input = { data: joined(pixels), shape: [pixels.length, size, size, 3] };
        return (await session.run({ [ONNX_INPUT]: input }, ONNX_OUTPUT)) as Float32Array;
      },
      free: () => session.close(),
    });
  } catch (error) {
    session.close();
    throw error;
  }
}

/** How images are decoded for the model, as it says itself. */
function preprocessingOf(model: Uint8Array | string, what: string): Preprocessing {
  const bytes = bytesOf(model, what);
  try {
    return parsePreprocessing(readDescription(bytes), what).preprocessing;
  } finally {
    bytes.close();
  }
}

/** The pictures' bytes one after the other, to be given away. */
function joined(pixels: readonly Pixels[]): Uint8Array {
  const all = new Uint8Array(pixels.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of pixels) {
    all.set(data, at);
    at += data.length;
  }
  return all;
}

function checkedDimensions(session: OnnxSession, size: number): number {
  const input = shapeOf(session.inputs, ONNX_INPUT);
  const output = shapeOf(session.outputs, ONNX_OUTPUT);
  const dimensions = output?.[1];
  if (input?.slice(1).join() === [size, size, 3].join() && typeof dimensions === 'number') return dimensions;
  throw new CorruptDataError(
    `${ONNX_FILE} takes '${ONNX_INPUT}' of shape [${input?.join(', ') ?? ''}] and gives '${ONNX_OUTPUT}' of shape ` +
      `[${output?.join(', ') ?? ''}]; needed are [pictures, ${size}, ${size}, 3] and [pictures, dimensions].`,
  );
}

function shapeOf(metadata: readonly ValueMetadata[], name: string): readonly (number | string)[] | undefined {
  const found = metadata.find((each) => each.name === name);
  return found?.isTensor && found.type === 'float32' ? found.shape : undefined;
}
