/** How long a training will take on this machine, before its long part begins. */
import { picturesByClass } from '../images/dataset.ts';
import type { DataSet } from '../images/dataset.ts';
import { Network } from '../network/network.ts';
import { ParameterStore, fromFile } from '../network/parameters.ts';
import type { SafetensorsFile } from '../network/safetensors.ts';
import { multiplications } from '../network/work.ts';
import { pooledResnet50 } from '../network/pooled-resnet50.ts';
import { arePooledKept } from '../training/baseline.ts';
import { areKept } from '../training/features.ts';
import { forecast, measureRates } from '../training/forecast.ts';
import type { Forecast, Rates, Work } from '../training/forecast.ts';
import type { DataPlan } from './plan.ts';

/** Measures how fast this machine is at it. @returns null when there is nothing to measure on */
export async function measure(plan: DataPlan, backbone: SafetensorsFile): Promise<Rates | null> {
  const { recipe, options, data } = plan;
  return withFrozen(plan, backbone, (network, nodes) => {
    const preprocessing = recipe.preprocessing(options);
    return measureRates({ network, nodes, preprocessing, pictures: data.train.pictures });
  });
}

/** What is still to be done from now on, at these rates. */
export async function foretell(plan: DataPlan, backbone: SafetensorsFile, rates: Rates): Promise<Forecast> {
  const { recipe, options, data } = plan;
  const { graph, nodes } = recipe.frozen(options);
  const { pictures } = data.train;
  const preprocessing = recipe.preprocessing(options);
  const isKept = await withFrozen(plan, backbone, (network) =>
    areKept({ ...requestOf(plan), network, nodes, preprocessing, pictures }),
  );
  const features = isKept ? [] : [computing('features', data.train, multiplications(graph, nodes))];
  const rest = [...(await ofTest(plan, backbone)), ...afterwards(plan)];
  return forecast([...features, ...rest], rates, missingOf(plan));
}

async function withFrozen<T>(
  { recipe, options }: DataPlan,
  backbone: SafetensorsFile,
  work: (network: Network, nodes: readonly string[]) => Promise<T>,
): Promise<T> {
  const { graph, nodes } = recipe.frozen(options);
  const network = new Network(graph, new ParameterStore(graph, fromFile(backbone)));
  try {
    return await work(network, nodes);
  } finally {
    network.dispose();
  }
}

/** What the untrained backbone makes of the test pictures. */
async function ofTest(plan: DataPlan, backbone: SafetensorsFile): Promise<Work[]> {
  const { recipe, options, data } = plan;
  if (data.test === null) return [];
  const preprocessing = recipe.preprocessing(options);
  const { pictures } = data.test;
  if (await arePooledKept(backbone, { ...requestOf(plan), preprocessing, pictures })) return [];
  return [
    computing('features of the test set', data.test, multiplications(pooledResnet50(preprocessing.size))),
  ];
}

/** What only the recipe can tell. */
function afterwards({ recipe, options, data }: DataPlan): Work[] {
  const sizes = [...picturesByClass(data.train).values()].map(({ length }) => length);
  const workload = recipe.workload?.(options, sizes);
  if (workload === undefined) return [];
  const { training, embedding, choosing = 0 } = workload;
  const tuning = { what: 'training', decoded: 0, multiplications: training, atMost: true };
  const choice = { what: 'choosing how to decide', decoded: 0, multiplications: choosing, atMost: false };
  const pictures = [...data.train.pictures, ...(data.test?.pictures ?? [])];
  const chosen = choosing > 0 ? [choice] : [];
  return [...(training > 0 ? [tuning] : []), ...chosen, computing('embedding', { pictures }, embedding)];
}

function computing(what: string, { pictures }: Pick<DataSet, 'pictures'>, each: number): Work {
  const count = pictures.length;
  return {
    what: `${what} of ${count} ${count === 1 ? 'picture' : 'pictures'}`,
    decoded: count,
    multiplications: count * each,
    atMost: false,
  };
}

function missingOf({ recipe }: DataPlan): string {
  return recipe.workload === undefined
    ? `the training itself, of which the recipe ${recipe.name} does not tell`
    : '';
}

function requestOf({ context }: DataPlan) {
  return {
    weightsId: context.backbone.id,
    folder: context.featuresFolder,
    cacheBytes: context.featuresBytes,
    signal: context.signal,
  };
}
