/** The embedder that runs on ONNX Runtime. TensorFlow is not needed for it. */
import { availableParallelism } from 'node:os';
import { InferenceSession, Tensor, env } from 'onnxruntime-node';
import { CorruptDataError } from '../errors.ts';
import { pixelNumbers } from '../images/pixels.ts';
import type { Preprocessing } from '../images/pixels.ts';
import { ONNX_FILE, ONNX_INPUT, ONNX_OUTPUT } from '../network/onnx/names.ts';
import { embedderOf } from './blocks.ts';
import type { Embedder } from './embedder.ts';

/**
 * A process does nothing else while ONNX Runtime computes for Node, not even start to decode the next pictures, so it
 * is asked for few at a time; more at once would be faster by less than a tenth.
 */
const AT_ONCE = 4;

/**
 * The embedder of a model that `writeOnnx` wrote. Dispose of it after use.
 * @param model its bytes, or the path of its file
 * @param preprocessing as the network's description says it
 * @throws CorruptDataError when it is no such model, or takes pictures of another size
 */
export async function onnxEmbedder(
  model: Uint8Array | string,
  preprocessing: Preprocessing,
): Promise<Embedder> {
  const session = await open(model);
  try {
    const { size } = preprocessing;
    return embedderOf({
      dimensions: checkedDimensions(session, size),
      preprocessing,
      engine: { name: 'onnxruntime', onnxruntime: env.versions.node ?? 'unknown', device: 'CPU' },
      atOnce: AT_ONCE,
      async compute(pixels) {
        const input = new Tensor('float32', pixelNumbers(pixels), [pixels.length, size, size, 3]);
        const { [ONNX_OUTPUT]: output } = await session.run({ [ONNX_INPUT]: input }, [ONNX_OUTPUT]);
        return (await output?.getData()) as Float32Array;
      },
      free: () => release(session),
    });
  } catch (error) {
    release(session);
    throw error;
  }
}

async function open(model: Uint8Array | string): Promise<InferenceSession> {
  // Notes on hardware that it does not find.
  env.logLevel = 'error';
  const options = {
    intraOpNumThreads: availableParallelism(),
    graphOptimizationLevel: 'all',
    // Threads that wait by spinning take the cores from the decoding of the next pictures.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  } as const;
  try {
    // Its types know files and bytes as two functions.
    return typeof model === 'string'
      ? await InferenceSession.create(model, options)
      : await InferenceSession.create(model, options);
  } catch (cause) {
    const what = typeof model === 'string' ? JSON.stringify(model) : ONNX_FILE;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CorruptDataError(`${what} cannot be loaded by ONNX Runtime: ${why}`, { cause });
  }
}

function checkedDimensions(session: InferenceSession, size: number): number {
  const input = shapeOf(session.inputMetadata, ONNX_INPUT);
  const output = shapeOf(session.outputMetadata, ONNX_OUTPUT);
  const dimensions = output?.[1];
  if (input?.slice(1).join() === [size, size, 3].join() && typeof dimensions === 'number') return dimensions;
  throw new CorruptDataError(
    `${ONNX_FILE} takes '${ONNX_INPUT}' of shape [${input?.join(', ') ?? ''}] and gives '${ONNX_OUTPUT}' of shape ` +
      `[${output?.join(', ') ?? ''}]; needed are [pictures, ${size}, ${size}, 3] and [pictures, dimensions].`,
  );
}

function shapeOf(
  metadata: readonly InferenceSession.ValueMetadata[],
  name: string,
): readonly (number | string)[] | undefined {
  const found = metadata.find((each) => each.name === name);
  return found?.isTensor && found.type === 'float32' ? found.shape : undefined;
}

/** Without a thread of its own, this ends before it returns. */
function release(session: InferenceSession): void {
  session.release().catch(() => undefined);
}
