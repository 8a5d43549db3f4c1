/** A trained network as the files that a version answers from, which have proved that they compute the same. */
import { join } from 'node:path';
import { onnxEmbedder } from '../embedding/onnx.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { checkGolden } from '../embedding/golden.ts';
import type { Golden } from '../embedding/golden.ts';
import { tfjsEmbedder } from '../embedding/tfjs.ts';
import { writeGolden } from '../gallery/arrow-golden.ts';
import type { Picture } from '../images/dataset.ts';
import type { LocalBackbone } from '../network/backbones/backbone.ts';
import { countParameters } from '../network/graph.ts';
import { writeBackboneWeights } from '../network/onnx/backbone-weights.ts';
import { ONNX_FILE } from '../network/onnx/names.ts';
import { writeOnnx } from '../network/onnx/write.ts';
import { SafetensorsFile } from '../network/safetensors.ts';
import { openNetwork } from '../network/saved-network.ts';
import type { SavedNetwork } from '../network/saved-network.ts';
import { GOLDEN_FILE } from '../registry/golden-check.ts';
import { networkIdOf } from '../registry/network-id.ts';
import type { VersionDraft } from '../registry/publish.ts';
import { describeLocalFile } from '../storage/local-file.ts';
import { goldenOf } from './golden.ts';

/** The trained network in the folder; see core/network/saved-network.ts. */
export const NETWORK_FILE = 'network.safetensors';

/** The backbone's weights among a version's files; a blob. */
const BACKBONE_FILE = 'backbone.weights';

export interface NetworkFiles {
  /** By their names below the version. */
  readonly files: VersionDraft['files'];
  /** Tells the network from all others. */
  readonly id: string;
  readonly parameters: ReturnType<typeof countParameters>;
  /** Dispose of it after use. */
  readonly embedder: Embedder;
}

/**
 * Writes the network that was saved in the folder as an ONNX model, and embeds golden pictures with the engine that trained it,
 * which the model has to reproduce.
 * @param folder with {@link NETWORK_FILE}; new files come into it
 * @param pictures to choose the golden ones from
 * @param backbone what the network was built on; its weights become a blob @default none: the model has all weights
 * @throws SkewError when the two do not compute the same
 */
export async function makeNetworkFiles(
  folder: string,
  pictures: readonly Picture[],
  backbone: LocalBackbone | null = null,
): Promise<NetworkFiles> {
  const network = openNetwork(join(folder, NETWORK_FILE));
  try {
    const onnx = join(folder, ONNX_FILE);
    const shared = backbone && backboneWeights(folder, backbone);
    writeOnnx(onnx, network, { shared });
    const golden = await goldenOfTraining(network, pictures);
    const embedder = await proven(onnx, shared, golden);
    const files = {
      [ONNX_FILE]: { file: onnx },
      [GOLDEN_FILE]: await writeGolden(golden),
      ...(shared && { [BACKBONE_FILE]: { file: shared.file, blob: true as const } }),
    };
    const id = networkIdOf({ [ONNX_FILE]: await describeLocalFile(onnx) });
    return { files, id, embedder, parameters: countParameters(network.graph) };
  } finally {
    network.close();
  }
}

function backboneWeights(folder: string, backbone: LocalBackbone) {
  const pretrained = new SafetensorsFile(backbone.file);
  try {
    return writeBackboneWeights(folder, backbone, pretrained);
  } finally {
    pretrained.close();
  }
}

async function goldenOfTraining(network: SavedNetwork, pictures: readonly Picture[]): Promise<Golden> {
  const trained = tfjsEmbedder(network);
  return goldenOf(trained, pictures).finally(() => trained.dispose());
}

async function proven(
  onnx: string,
  shared: { readonly sha256: string; readonly file: string } | null,
  golden: Golden,
): Promise<Embedder> {
  const weights = shared ? { shared: { name: shared.sha256, file: shared.file } } : {};
  const embedder = await onnxEmbedder(onnx, weights);
  try {
    await checkGolden(embedder, golden, 'The version that is being published');
    return embedder;
  } catch (error) {
    embedder.dispose();
    throw error;
  }
}
