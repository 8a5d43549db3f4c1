/** From data sets to what a recipe learns from: frozen features and class numbers. */
import { InvalidInputError } from '../errors.ts';
import type { DataSet, Picture } from '../images/dataset.ts';
import { groupsOf } from '../images/same-picture.ts';
import type { SamePicture } from '../images/same-picture.ts';
import type { Backbone } from '../network/backbones/backbone.ts';
import { Network } from '../network/network.ts';
import { ParameterStore, fromFile } from '../network/parameters.ts';
import type { SafetensorsFile } from '../network/safetensors.ts';
import { frozenFeatures } from '../training/features.ts';
import type { Features } from '../training/features.ts';
import type { Report } from '../training/progress.ts';
import type { LoadedRecipe, Part } from '../training/recipe.ts';

export interface PartsRequest {
  readonly recipe: LoadedRecipe;
  /** Checked options of the recipe. */
  readonly options: unknown;
  readonly backbone: Backbone;
  readonly pretrained: SafetensorsFile;
  readonly train: DataSet;
  readonly validation: DataSet | null;
  /** Files of `train` that show the same picture. @default none */
  readonly same?: readonly SamePicture[] | undefined;
  /** Where features are kept, and how many bytes of them. */
  readonly folder: string;
  readonly cacheBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly report: Report;
}

export interface Parts {
  readonly train: Part;
  readonly validation: Part | null;
  /** Pictures that could not be decoded after all, with the reason. */
  readonly rejected: { readonly train: Features['rejected']; readonly validation: Features['rejected'] };
  dispose(): void;
}

/**
 * Computes the features of all pictures, or finds them from an earlier training.
 * @throws InvalidInputError when too few pictures can be decoded; CancelledError
 */
export async function prepareParts(request: PartsRequest): Promise<Parts> {
  const { train, validation } = request;
  const learnt = await featuresOf(request, train.pictures);
  try {
    checkLearnable(train, learnt);
    const others = validation && (await featuresOf(request, validation.pictures));
    const numbers = new Map(train.classes.map((name, i) => [name, i]));
    return {
      train: { ...partOf(learnt, numbers), groups: groupsOf(learnt.pictures, request.same ?? []) },
      validation: others && partOf(others, numbers),
      rejected: { train: learnt.rejected, validation: others?.rejected ?? [] },
      dispose() {
        learnt.dispose();
        others?.dispose();
      },
    };
  } catch (error) {
    learnt.dispose();
    throw error;
  }
}

function checkLearnable({ name }: DataSet, { pictures, rejected }: Features): void {
  if (new Set(pictures.map(({ className }) => className)).size >= 2) return;
  const [first] = rejected;
  const hint = first ? ` The first that cannot: ${first.picture.key}, ${first.reason}.` : '';
  throw new InvalidInputError(
    `Fewer than two classes of ${name} have a picture that can be decoded; nothing can be learnt from that.${hint}`,
  );
}

async function featuresOf(request: PartsRequest, pictures: readonly Picture[]): Promise<Features> {
  const { recipe, options, backbone, pretrained, folder, cacheBytes, signal, report } = request;
  const { graph, nodes } = recipe.frozen(options, backbone);
  const network = new Network(graph, new ParameterStore(graph, fromFile(pretrained)));
  try {
    return await frozenFeatures({
      network,
      weightsId: backbone.id,
      preprocessing: recipe.preprocessing(options),
      nodes,
      pictures,
      folder,
      cacheBytes,
      signal,
      onProgress: (done, total) => report({ phase: 'features', done, total }),
    });
  } finally {
    network.dispose();
  }
}

/** A class that the training set lacks gets a number of its own, which no training picture has. */
function partOf(features: Features, numbers: Map<string, number>): Part {
  const labels = features.pictures.map(({ className }) => {
    const known = numbers.get(className);
    if (known !== undefined) return known;
    numbers.set(className, numbers.size);
    return numbers.size - 1;
  });
  return { features: features.tensors, labels: Int32Array.from(labels) };
}
