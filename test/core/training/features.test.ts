import assert from 'node:assert/strict';
import { readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node';
import { CancelledError } from '../../../core/errors.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { decodeImage } from '../../../core/images/decode.ts';
import { digest } from '../../../core/images/picture.ts';
import type { Preprocessing } from '../../../core/images/pixels.ts';
import { PIXELS } from '../../../core/network/graph.ts';
import { Network } from '../../../core/network/network.ts';
import { ParameterStore } from '../../../core/network/parameters.ts';
import { pixelTensor } from '../../../core/network/pixel-tensor.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { frozenFeatures } from '../../../core/training/features.ts';
import type { FeatureRequest, Features } from '../../../core/training/features.ts';
import { assertClose } from '../../support/numbers.ts';
import { smallGraph, smallWeights } from '../network/small.ts';
import { inFolder } from './small.ts';

const images = new URL('../../fixtures/parity/images/', import.meta.url);
const preprocessing: Preprocessing = { size: smallGraph.inputSize, fit: 'squash', kernel: 'linear' };

function picture(key: string, bytes: Buffer): Picture {
  return { key, className: 'c', sha256: digest(bytes), read: async () => bytes };
}
const pictures = Array.from({ length: 7 }, (_, i) =>
  picture(`c/${i}`, readFileSync(new URL(`0${i}.png`, images))),
);
const broken = picture('c/broken', Buffer.from('no picture'));

interface Bench {
  readonly request: FeatureRequest;
  /** How often the network was run. */
  readonly runs: () => number;
}

/** Runs the work with a folder and a network that counts how often it is run. */
const withNetwork = (work: (bench: Bench) => Promise<void>): Promise<void> =>
  inFolder(async (folder) => {
    const frozen = { ...smallGraph, trainableAfter: null };
    const network = new Network(frozen, new ParameterStore(frozen, smallWeights));
    const forward = network.forward.bind(network);
    let runs = 0;
    network.forward = (...args) => {
      runs++;
      return forward(...args);
    };
    const request = {
      network,
      weightsId: 'w',
      preprocessing,
      nodes: ['frozen', 'pooled'],
      pictures,
      folder,
      batchSize: 3,
    };
    await work({ request, runs: () => runs });
    network.dispose();
  });

const numbersOf = (features: Features, node: string): number[] => [
  ...(features.tensors[node] as Tensor).dataSync(),
];
const filesIn = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String);
const fileNamed = (folder: string, name: string): string =>
  path.join(folder, filesIn(folder).find((file) => file.endsWith(name)) as string);

describe('features of the frozen part', () => {
  it('are what the network gives, one row a picture', () =>
    withNetwork(async ({ request }) => {
      const features = await frozenFeatures(request);
      const pixels = await Promise.all(
        pictures.map(async (each) => decodeImage(await each.read(), preprocessing)),
      );
      tf.tidy(() => {
        const expected = request.network.forward({ [PIXELS]: pixelTensor(pixels) }, ['frozen', 'pooled']);
        for (const node of ['frozen', 'pooled']) {
          assert.deepEqual(features.tensors[node]?.shape, expected[node]?.shape);
          assertClose(numbersOf(features, node), expected[node]?.dataSync() ?? [], { what: node });
        }
      });
      assert.deepEqual(features.pictures, pictures);
      assert.deepEqual(features.rejected, []);
      features.dispose();
    }));

  it('are computed once: a second time, also in another order of asking, the network is not run', () =>
    withNetwork(async ({ request, runs }) => {
      const first = await frozenFeatures(request);
      assert.equal(runs(), 3, 'seven pictures, three at a time');
      const second = await frozenFeatures(request);
      assert.equal(runs(), 3);
      assert.deepEqual(numbersOf(second, 'frozen'), numbersOf(first, 'frozen'));
      first.dispose();
      second.dispose();
    }));

  it('are computed anew for other weights, preprocessing, nodes or pictures', () =>
    withNetwork(async ({ request, runs }) => {
      (await frozenFeatures(request)).dispose();
      const changes: Partial<FeatureRequest>[] = [
        { weightsId: 'others' },
        { preprocessing: { ...preprocessing, kernel: 'cubic' } },
        { nodes: ['frozen'] },
        { pictures: pictures.slice(1) },
        { pictures: [...pictures.slice(0, 6), { ...(pictures[6] as Picture), sha256: '0'.repeat(64) }] },
      ];
      for (const change of changes) {
        const before = runs();
        (await frozenFeatures({ ...request, ...change })).dispose();
        assert.ok(runs() > before, JSON.stringify(Object.keys(change)));
      }
    }));

  it('are computed anew for another network whose nodes have the same names', () =>
    withNetwork(async ({ request }) => {
      const first = await frozenFeatures(request);
      const nodes = smallGraph.nodes.map((node) => (node.op === 'conv' ? { ...node, epsilon: 0.5 } : node));
      const graph = { ...smallGraph, nodes, trainableAfter: null };
      const network = new Network(graph, new ParameterStore(graph, smallWeights));
      const second = await frozenFeatures({ ...request, network });
      assert.notDeepEqual(numbersOf(second, 'frozen'), numbersOf(first, 'frozen'));
      network.dispose();
      first.dispose();
      second.dispose();
    }));

  it('that were cut short, or whose index is damaged or gone, are computed again', () =>
    withNetwork(async ({ request, runs }) => {
      const first = await frozenFeatures(request);
      const expected = numbersOf(first, 'frozen');
      first.dispose();
      const damages = [
        () => truncateSync(fileNamed(request.folder, 'frozen.f32'), 40),
        () => truncateSync(fileNamed(request.folder, 'pooled.f32'), 0),
        () => writeFileSync(fileNamed(request.folder, 'index.json'), '{"rows": ['),
        () => writeFileSync(fileNamed(request.folder, 'index.json'), '{"rows": [], "rejected": []}'),
      ];
      for (const damage of damages) {
        damage();
        const before = runs();
        const again = await frozenFeatures(request);
        assert.equal(runs(), before + 3);
        assert.deepEqual(numbersOf(again, 'frozen'), expected);
        again.dispose();
      }
    }));

  it('of a picture that cannot be decoded are left out with the reason, from the cache too', () =>
    withNetwork(async ({ request, runs }) => {
      const mixed = [pictures[0] as Picture, broken, ...pictures.slice(1)];
      for (let time = 0; time < 2; time++) {
        const features = await frozenFeatures({ ...request, pictures: mixed });
        assert.deepEqual(features.pictures, pictures);
        assert.deepEqual(
          features.rejected.map((each) => each.picture),
          [broken],
        );
        assert.ok((features.rejected[0]?.reason ?? '').length > 0);
        assert.equal(features.tensors['frozen']?.shape[0], 7);
        features.dispose();
      }
      assert.equal(runs(), 3);
    }));

  it('of no picture are tensors of no rows', () =>
    withNetwork(async ({ request }) => {
      const features = await frozenFeatures({ ...request, pictures: [broken] });
      assert.deepEqual(features.tensors['frozen']?.shape, [0, 4, 4, 4]);
      assert.deepEqual(features.pictures, []);
      features.dispose();
    }));

  it('that were stopped leave nothing half done', () =>
    withNetwork(async ({ request }) => {
      const controller = new AbortController();
      const stopping = {
        ...request,
        signal: controller.signal,
        onProgress: (done: number) => (done === 5 ? controller.abort() : undefined),
      };
      await assert.rejects(frozenFeatures(stopping), CancelledError);
      assert.deepEqual(filesIn(request.folder), []);
      const dying = { ...request, onProgress: (done: number) => assert.notEqual(done, 4) };
      await assert.rejects(frozenFeatures(dying), assert.AssertionError);
      assert.deepEqual(filesIn(request.folder), []);
    }));

  it('can be asked for by two at once', () =>
    withNetwork(async ({ request }) => {
      const [a, b] = await Promise.all([frozenFeatures(request), frozenFeatures(request)]);
      assert.deepEqual(numbersOf(a, 'pooled'), numbersOf(b, 'pooled'));
      assert.equal(filesIn(request.folder).filter((file) => file.includes('partial')).length, 0);
      a.dispose();
      b.dispose();
    }));

  it('tell how far they are, and leave no tensors', () =>
    withNetwork(async ({ request }) => {
      (await frozenFeatures(request)).dispose();
      const { numTensors } = tf.memory();
      const told: string[] = [];
      const features = await frozenFeatures({
        ...request,
        weightsId: 'again',
        onProgress: (done, total) => told.push(`${done}/${total}`),
      });
      assert.equal(tf.memory().numTensors, numTensors + 2);
      features.dispose();
      assert.equal(tf.memory().numTensors, numTensors);
      assert.deepEqual(told, ['1/7', '2/7', '3/7', '4/7', '5/7', '6/7', '7/7']);
    }));
});
