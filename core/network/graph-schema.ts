/** Checks a graph that comes from a file before anything is built from it. */
import { z } from 'zod';
import { CorruptDataError, InvalidInputError } from '../errors.ts';
import type { Preprocessing } from '../images/pixels.ts';
import { parsePreprocessing } from './description.ts';
import { parametersOf, shapesOf } from './graph.ts';
import type { NetworkGraph } from './graph.ts';

const base = { name: z.string().min(1), inputs: z.array(z.string()).min(1), relu: z.boolean().optional() };
const side = z.int().min(1).max(10_000);
const plain = <Op extends string>(op: Op) => z.strictObject({ op: z.literal(op), ...base });

const node = z.discriminatedUnion('op', [
  plain('add'),
  plain('caffe-preprocess'),
  plain('concat'),
  plain('flatten'),
  plain('global-average-pool'),
  plain('global-max-pool'),
  plain('grid-average-pool').extend({ cells: z.int().min(1).max(16) }),
  plain('l2-normalize'),
  plain('resize').extend({ size: side }),
  plain('batch-norm').extend({ epsilon: z.number().positive() }),
  plain('dense').extend({ units: side, bias: z.boolean().optional() }),
  plain('max-pool').extend({ size: side, stride: side, padding: z.int().min(0).max(100) }),
  plain('conv').extend({
    filters: side,
    size: side,
    stride: side,
    padding: z.int().min(0).max(100),
    weights: z.string().min(1),
    batchNorm: z.string().min(1),
    epsilon: z.number().positive(),
  }),
]);

const graph = z.strictObject({
  inputSize: side,
  nodes: z.array(node).min(1).max(10_000),
  output: z.string(),
  trainableAfter: z.string().nullable(),
});

/** What a network is, and what its input must look like. */
export interface NetworkDescription {
  readonly graph: NetworkGraph;
  readonly preprocessing: Preprocessing;
}

/**
 * A graph and its preprocessing from JSON.
 * @param where names the file in the error
 * @throws CorruptDataError
 */
export function parseDescription(json: string, where: string): NetworkDescription {
  const { graph: unchecked, preprocessing: decoding } = parsePreprocessing(json, where);
  const checked = parseGraph(unchecked, where);
  if (checked.inputSize === decoding.size) return { graph: checked, preprocessing: decoding };
  throw new CorruptDataError(
    `${where} decodes images to ${decoding.size} pixels for a network that takes ${checked.inputSize}.`,
  );
}

function parseGraph(value: unknown, where: string): NetworkGraph {
  try {
    const parsed = graph.parse(value) as NetworkGraph;
    parametersOf(parsed);
    const output = shapesOf(parsed).get(parsed.output) ?? [];
    if (output.length !== 1)
      throw new InvalidInputError(`its output has shape [${output.join(', ')}], not one row a picture`);
    return parsed;
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new CorruptDataError(`${where} does not describe a network: ${why}`, { cause });
  }
}
