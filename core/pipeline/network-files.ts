/** A trained network as the files that a version answers from, which have proved that they compute the same. */
import { join } from 'node:path';
import { onnxEmbedder } from '../embedding/onnx.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { checkGolden } from '../embedding/golden.ts';
import { tfjsEmbedder } from '../embedding/tfjs.ts';
import { writeGolden } from '../gallery/arrow-golden.ts';
import type { Picture } from '../images/dataset.ts';
import { ONNX_FILE } from '../network/onnx/names.ts';
import { writeOnnx } from '../network/onnx/write.ts';
import { MODEL_FILE, WEIGHTS_FILE, openNetwork } from '../network/saved-network.ts';
import { GOLDEN_FILE } from '../registry/golden-check.ts';
import { networkIdOf } from '../registry/network-id.ts';
import type { VersionDraft } from '../registry/publish.ts';
import { describeLocalFile } from '../storage/local-file.ts';
import { goldenOf } from './golden.ts';

export interface NetworkFiles {
  /** By their names below the version. */
  readonly files: VersionDraft['files'];
  /** What tells the network from all others. */
  readonly id: string;
  /** On the engine that answers by default. Dispose of it after use. */
  readonly embedder: Embedder;
}

/**
 * Writes the network that was saved in the folder in the form that answers, too, and embeds golden pictures with the
 * engine that trained it; the form that answers has to reproduce them.
 * @param folder with what `saveNetwork` wrote; the new file comes into it
 * @param pictures to choose the golden ones from
 * @throws SkewError when the two forms do not compute the same
 */
export async function makeNetworkFiles(folder: string, pictures: readonly Picture[]): Promise<NetworkFiles> {
  const [model, weights, onnx] = [MODEL_FILE, WEIGHTS_FILE, ONNX_FILE].map((name) => join(folder, name));
  const network = openNetwork(folder);
  writeOnnx(onnx as string, network);
  const trained = tfjsEmbedder(network);
  const golden = await goldenOf(trained, pictures).finally(() => trained.dispose());
  const embedder = await onnxEmbedder(onnx as string, network.preprocessing);
  try {
    await checkGolden(embedder, golden, 'The version that is being published');
    const id = networkIdOf({
      'network/model.json': await describeLocalFile(model as string),
      'network/weights.bin': await describeLocalFile(weights as string),
    });
    const files = {
      'network/model.json': { file: model as string },
      'network/weights.bin': { file: weights as string },
      [ONNX_FILE]: { file: onnx as string },
      [GOLDEN_FILE]: await writeGolden(golden),
    };
    return { files, id, embedder };
  } catch (error) {
    embedder.dispose();
    throw error;
  }
}
