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
import type { Forecast, Work } from '../training/forecast.ts';
import type { DataPlan } from './plan.ts';

/** @returns null when there is nothing to measure on */
export async function foretell(plan: DataPlan, backbone: SafetensorsFile): Promise<Forecast | null> {
  const { recipe, options, data } = plan;
  const { graph, nodes } = recipe.frozen(options);
  const preprocessing = recipe.preprocessing(options);
  const network = new Network(graph, new ParameterStore(graph, fromFile(backbone)));
  try {
    const request = { ...requestOf(plan), network, preprocessing, nodes };
    const { pictures } = data.train;
    const rates = await measureRates({ ...request, pictures });
    if (rates === null) return null;
    const isKept = await areKept({ ...request, pictures });
    const features = isKept ? [] : [computing('features', data.train, multiplications(graph, nodes))];
    const rest = [...(await ofTest(plan, backbone)), ...afterwards(plan)];
    return forecast([...features, ...rest], rates, missingOf(plan));
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
  const { training, embedding } = workload;
  const tuning = { what: 'training', decoded: 0, multiplications: training, atMost: true };
  const pictures = [...data.train.pictures, ...(data.test?.pictures ?? [])];
  return [...(training > 0 ? [tuning] : []), computing('embedding', { pictures }, embedding)];
}

function computing(what: string, { pictures }: Pick<DataSet, 'pictures'>, each: number): Work {
  const count = pictures.length;
  return {
    what: `${what} of ${count} pictures`,
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
