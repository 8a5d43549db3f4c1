/** A trained network on its way to a version: a safetensors file whose metadata has the graph and the preprocessing. */
import { CorruptDataError } from '../errors.ts';
import { parseDescription } from './graph-schema.ts';
import type { NetworkDescription } from './graph-schema.ts';
import { SafetensorsFile, writeSafetensors } from './safetensors.ts';
import type { ArraySource } from './safetensors.ts';
import type { WeightFile } from './weight-file.ts';

const METADATA = 'kindred';

export interface SavedNetwork extends NetworkDescription {
  readonly weights: WeightFile;
}

/** Writes a file that does not exist. */
export async function saveNetwork(
  file: string,
  { graph, preprocessing }: NetworkDescription,
  weights: readonly ArraySource[],
): Promise<void> {
  await writeSafetensors(file, weights, { [METADATA]: JSON.stringify({ graph, preprocessing }) });
}

/** Weights are read array by array when they are asked for. Close it after use. @throws CorruptDataError */
export function openNetwork(file: string): SavedNetwork & { close(): void } {
  const weights = new SafetensorsFile(file);
  try {
    const description = weights.metadata[METADATA];
    if (description === undefined) throw new CorruptDataError(`${file} does not describe a network.`);
    return { ...parseDescription(description, file), weights, close: () => weights.close() };
  } catch (error) {
    weights.close();
    throw error;
  }
}
