import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node';
import { CorruptDataError } from '../../../core/errors.ts';
import type { Preprocessing } from '../../../core/images/pixels.ts';
import { PIXELS, parametersOf } from '../../../core/network/graph.ts';
import type { NetworkGraph } from '../../../core/network/graph.ts';
import { siameseHead } from '../../../core/network/heads.ts';
import { Network } from '../../../core/network/network.ts';
import { ParameterStore, firstOf, fromFile } from '../../../core/network/parameters.ts';
import type { WeightSource } from '../../../core/network/parameters.ts';
import { resnet50 } from '../../../core/network/backbones/resnet50.ts';
import {
  MODEL_FILE,
  WEIGHTS_FILE,
  describeNetwork,
  openNetwork,
  readNetwork,
  saveNetwork,
} from '../../../core/network/saved-network.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { pooledMaps, whitenedMaps } from '../../../core/training/pooled-maps.ts';
import { openBackbone } from '../../support/backbone.ts';
import { assertClose, normals } from '../../support/numbers.ts';
import { smallGraph, smallWeights, somePixels } from './small.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'kindred-saved-'));
after(() => rmSync(root, { recursive: true, force: true }));

const preprocessingOf = ({ inputSize }: NetworkGraph): Preprocessing => ({
  size: inputSize,
  fit: 'squash',
  kernel: 'linear',
});

/** Saves a network and gives the folder and what it embeds the pixels to. */
async function save(
  graph: NetworkGraph,
  weights: WeightSource,
  pixels: Tensor,
): Promise<{ folder: string; embeddings: Float32Array }> {
  const folder = mkdtempSync(path.join(root, 'network-'));
  const frozen = { ...graph, trainableAfter: null };
  const network = new Network(frozen, new ParameterStore(frozen, weights));
  await saveNetwork(folder, graph, preprocessingOf(graph), network.parameters.sources());
  const embeddings = tf.tidy(() =>
    network.forward({ [PIXELS]: pixels })[graph.output]?.dataSync(),
  ) as Float32Array;
  network.dispose();
  return { folder, embeddings };
}

const filesOf = (folder: string): [model: Buffer, weights: Buffer] => [
  readFileSync(path.join(folder, MODEL_FILE)),
  readFileSync(path.join(folder, WEIGHTS_FILE)),
];

describe("a saved network, run by tfjs' own loader", () => {
  const backbone = openBackbone();
  after(() => backbone.close());
  const head = siameseHead('conv5_block3_out');
  const graphs: Record<string, NetworkGraph> = {
    'of every operation': smallGraph,
    'of the siamese recipe': {
      inputSize: 64,
      nodes: [...resnet50.nodes(), ...head],
      output: 'dense_3',
      trainableAfter: 'conv5_block1_out',
    },
    'of the metric recipe': whitenedMaps(
      pooledMaps(resnet50, { size: 64, scales: [1, 0.694], maps: [], poolings: ['max', 'quarters', 'mean'] }),
      16,
    ),
  };

  for (const [name, graph] of Object.entries(graphs)) {
    it(`gives the same embeddings: ${name}`, async () => {
      const size = graph.inputSize;
      const pixels = tf.tensor4d(
        normals(2 * size * size * 3, 4).map((x) => 128 + 40 * x),
        [2, size, size, 3],
      );
      const weights = graph === smallGraph ? smallWeights : firstOf(backbone, smallWeights);
      const { folder, embeddings } = await save(graph, weights, pixels);

      const loaded = await tf.loadGraphModel(tf.io.fileSystem(path.join(folder, MODEL_FILE)));
      const output = loaded.predict(pixels) as Tensor;

      const worst = embeddings.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      assertClose(output.dataSync(), embeddings, { tolerance: 1e-4, floor: worst });
      assert.deepEqual(
        loaded.inputs.map((input) => [input.name, input.shape]),
        [['pixels', [-1, size, size, 3]]],
      );
      const { outputs } = loaded.modelSignature as unknown as { outputs: Record<string, unknown> };
      assert.deepEqual(Object.keys(outputs), ['embedding']);
      loaded.dispose();
      tf.dispose([pixels, output]);
    });
  }
});

describe('a saved network, read back', () => {
  let folder: string;
  let embeddings: Float32Array;
  before(async () => {
    const pixels = somePixels(3);
    ({ folder, embeddings } = await save(smallGraph, smallWeights, pixels));
    pixels.dispose();
  });

  it('is the network that was saved, to the bit', () => {
    const saved = readNetwork(...filesOf(folder));
    const network = new Network(saved.graph, new ParameterStore(saved.graph, fromFile(saved.weights)));
    tf.tidy(() =>
      assertClose(network.forward({ [PIXELS]: somePixels(3) })['embedding']?.dataSync() ?? [], embeddings, {
        tolerance: 1e-6,
      }),
    );
    network.dispose();
    assert.deepEqual(saved.graph, smallGraph);
    assert.deepEqual(saved.preprocessing, preprocessingOf(smallGraph));
    const spec = {
      name: 'dense/kernel',
      node: 'dense',
      shape: [64, 5],
      trainable: true,
      initial: 'zeros',
    } as const;
    assert.deepEqual(saved.weights.read('dense/kernel', 2, 3), smallWeights(spec, 2, 3));
    assert.equal(saved.weights.has('nothing'), false);
  });

  it('gives the same weights read array by array from its folder', () => {
    const whole = readNetwork(...filesOf(folder));
    const opened = openNetwork(folder);
    assert.deepEqual([opened.graph, opened.preprocessing], [whole.graph, whole.preprocessing]);
    for (const { name, shape } of parametersOf(smallGraph)) {
      const rows = shape[0] ?? 1;
      assert.deepEqual(opened.weights.read(name, 0, rows), whole.weights.read(name, 0, rows), name);
    }
    assert.deepEqual(opened.weights.read('dense/kernel', 2, 3), whole.weights.read('dense/kernel', 2, 3));
  });

  it('is refused when its folder was cut short, before or after it was opened', () => {
    const cut = mkdtempSync(path.join(root, 'cut-'));
    cpSync(folder, cut, { recursive: true });
    const opened = openNetwork(cut);
    truncateSync(path.join(cut, WEIGHTS_FILE), 8);
    assert.throws(() => opened.weights.read('dense/kernel', 0, 64), CorruptDataError);
    assert.throws(() => openNetwork(cut), CorruptDataError);
  });

  it('is described without its weights', () => {
    assert.deepEqual(describeNetwork(filesOf(folder)[0]), {
      graph: smallGraph,
      preprocessing: preprocessingOf(smallGraph),
    });
  });

  it('is not written over', async () => {
    await assert.rejects(saveNetwork(folder, smallGraph, preprocessingOf(smallGraph), []), {
      code: 'EEXIST',
    });
  });

  for (const [name, change] of Object.entries<(weights: Buffer) => Buffer>({
    'shorter than named': (weights) => weights.subarray(0, -4),
    'longer than named': (weights) => Buffer.concat([weights, Buffer.alloc(4)]),
    empty: () => Buffer.alloc(0),
  })) {
    it(`is refused when its weights are ${name}`, () => {
      const [model, weights] = filesOf(folder);
      assert.throws(() => readNetwork(model, change(weights)), CorruptDataError);
    });
  }
});

describe('a hostile model.json', () => {
  interface Document {
    userDefinedMetadata: {
      kindred: {
        graph: { nodes: Record<string, unknown>[] } & Record<string, unknown>;
        preprocessing: Record<string, unknown>;
      };
    };
    weightsManifest: { weights: { name: string; shape: unknown[]; dtype: string }[] }[];
  }
  let files: [model: Buffer, weights: Buffer];
  before(async () => {
    const pixels = somePixels(1);
    const { folder } = await save(smallGraph, smallWeights, pixels);
    files = filesOf(folder);
    pixels.dispose();
  });

  const graphOf = (document: Document) => document.userDefinedMetadata.kindred.graph;
  const nodeOf = (document: Document, name: string) =>
    graphOf(document).nodes.find((node) => node['name'] === name) as Record<string, unknown>;
  const weightOf = (document: Document, name: string) =>
    (document.weightsManifest[0] as Document['weightsManifest'][0]).weights.find(
      (weight) => weight.name === name,
    ) as Document['weightsManifest'][0]['weights'][0];

  const changes: Record<string, (document: Document) => unknown> = {
    'is null': () => null,
    'is a list': () => [],
    'is a graph model of somebody else': (document) => ({ ...document, userDefinedMetadata: {} }),
    'has no weights': (document) => ({ ...document, weightsManifest: [] }),
    'has an unknown operation': (document) => Object.assign(nodeOf(document, 'sum'), { op: 'run-code' }),
    'has an operation named like a part of all objects': (document) =>
      Object.assign(nodeOf(document, 'sum'), { op: 'constructor' }),
    'has an unknown key in a node': (document) => Object.assign(nodeOf(document, 'sum'), { more: 1 }),
    'has an unknown key in the graph': (document) => Object.assign(graphOf(document), { more: 1 }),
    'has a node without inputs': (document) => Object.assign(nodeOf(document, 'sum'), { inputs: [] }),
    'has a node with too many inputs': (document) =>
      Object.assign(nodeOf(document, 'dense'), { inputs: ['flat', 'flat'] }),
    'has a node that takes itself': (document) => Object.assign(nodeOf(document, 'sum'), { inputs: ['sum'] }),
    'has two nodes of one name': (document) => Object.assign(nodeOf(document, 'sum'), { name: 'left' }),
    'has no nodes': (document) => Object.assign(graphOf(document), { nodes: [] }),
    'gives out what there is not': (document) => Object.assign(graphOf(document), { output: 'nowhere' }),
    'gives out a map instead of a vector': (document) => Object.assign(graphOf(document), { output: 'sum' }),
    'is trained after what there is not': (document) =>
      Object.assign(graphOf(document), { trainableAfter: 'nowhere' }),
    'has an input of no size': (document) => Object.assign(graphOf(document), { inputSize: 0 }),
    'has a stride of zero': (document) => Object.assign(nodeOf(document, 'left'), { stride: 0 }),
    'has a layer of 10^9 units': (document) => Object.assign(nodeOf(document, 'dense'), { units: 1e9 }),
    'has other units than its weights': (document) => Object.assign(nodeOf(document, 'last'), { units: 7 }),
    'makes pictures of another size': (document) =>
      Object.assign(document.userDefinedMetadata.kindred.preprocessing, { size: 16 }),
    'has an unknown kernel': (document) =>
      Object.assign(document.userDefinedMetadata.kindred.preprocessing, { kernel: 'magic' }),
    'lacks a weight that the network needs': (document) =>
      Object.assign(weightOf(document, 'last/kernel'), { name: 'lost' }),
    'names a weight twice': (document) =>
      Object.assign(weightOf(document, 'norm/beta'), { name: 'norm/gamma' }),
    'has a weight of another shape': (document) =>
      Object.assign(weightOf(document, 'last/kernel'), { shape: [6, 9] }),
    'has a weight of another type': (document) =>
      Object.assign(weightOf(document, 'last/kernel'), { dtype: 'int32' }),
    'has a weight of an unknown type': (document) =>
      Object.assign(weightOf(document, 'last/kernel'), { dtype: 'uint8' }),
    'has a weight of negative size': (document) =>
      Object.assign(weightOf(document, 'last/kernel'), { shape: [-9, -6] }),
    'has a weight beyond all numbers': (document) =>
      Object.assign(weightOf(document, 'last/kernel'), { shape: [2 ** 53 - 1, 2 ** 53 - 1] }),
  };
  const whole = new Set(['is null', 'is a list', 'is a graph model of somebody else', 'has no weights']);

  for (const [name, change] of Object.entries(changes)) {
    it(`is refused when it ${name}`, () => {
      const document = JSON.parse(files[0].toString()) as Document;
      const changed = change(document);
      const model = Buffer.from(JSON.stringify(whole.has(name) ? changed : document));
      assert.throws(
        () => readNetwork(model, files[1]),
        (error: unknown) => error instanceof CorruptDataError && error.message.includes(MODEL_FILE),
      );
    });
  }

  it('is refused when it is no JSON', () => {
    for (const bytes of ['', '{', '\u0000', 'PK\u0003\u0004'])
      assert.throws(() => readNetwork(Buffer.from(bytes), files[1]), CorruptDataError);
  });
});
