/** A version's network as TensorFlow.js files, run by tfjs' own loader. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node';
import { decodeImage } from '../../../core/images/decode.ts';
import { CorruptDataError } from '../../../core/errors.ts';
import { resnet50 } from '../../../core/network/backbones/resnet50.ts';
import { PIXELS, parametersOf } from '../../../core/network/graph.ts';
import type { NetworkGraph, PlacedParameter } from '../../../core/network/graph.ts';
import { siameseHead } from '../../../core/network/heads.ts';
import { Network } from '../../../core/network/network.ts';
import { writeBackboneWeights } from '../../../core/network/onnx/backbone-weights.ts';
import { bytesOf } from '../../../core/network/onnx/bytes.ts';
import { writeOnnx } from '../../../core/network/onnx/write.ts';
import type { OnnxOptions } from '../../../core/network/onnx/write.ts';
import { ParameterStore, firstOf, fromFile } from '../../../core/network/parameters.ts';
import type { WeightSource } from '../../../core/network/parameters.ts';
import { pixelTensor } from '../../../core/network/pixel-tensor.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { graphModelOf } from '../../../core/network/tfjs/graph-model.ts';
import { pooledMaps, whitenedMaps } from '../../../core/training/pooled-maps.ts';
import { openBackbone } from '../../support/backbone.ts';
import { hashedHead, kerasFixtures } from '../../support/keras.ts';
import { assertClose, normals } from '../../support/numbers.ts';
import { smallGraph, smallWeights } from './small.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'kindred-tfjs-'));
const backbone = openBackbone();
const shared = writeBackboneWeights(root, resnet50, backbone);
after(() => {
  backbone.close();
  rmSync(root, { recursive: true, force: true });
});

/** Exports a network. @returns the folder with the files */
function exported(graph: NetworkGraph, source: WeightSource, options: OnnxOptions = {}): string {
  const folder = mkdtempSync(path.join(root, 'network-'));
  const onnx = path.join(folder, 'embedding.onnx');
  const specs = new Map(parametersOf(graph).map((spec) => [spec.name, spec]));
  const spec = (name: string): PlacedParameter => specs.get(name) ?? assert.fail(`no parameter ${name}`);
  const weights = {
    has: (name: string) => specs.has(name),
    shape: (name: string) => spec(name).shape,
    read: (name: string, start: number, count: number) => source(spec(name), start, count),
  };
  const preprocessing = { size: graph.inputSize, fit: 'squash', kernel: 'linear' } as const;
  writeOnnx(onnx, { graph, preprocessing, weights }, options);
  const open = (name: string) => (name === shared.sha256 ? bytesOf(shared.file, name) : null);
  for (const { name, content } of graphModelOf(bytesOf(onnx, onnx), open)) {
    writeFileSync(path.join(folder, name), Buffer.concat([...content]));
  }
  return folder;
}

async function predicted(folder: string, pixels: Tensor): Promise<Float32Array> {
  const loaded = await tf.loadGraphModel(tf.io.fileSystem(path.join(folder, 'model.json')));
  const output = loaded.predict(pixels) as Tensor;
  const numbers = output.dataSync<'float32'>().slice();
  assert.deepEqual(
    loaded.inputs.map((input) => input.name),
    ['pixels'],
  );
  const { outputs } = loaded.modelSignature as unknown as { outputs: Record<string, unknown> };
  assert.deepEqual(Object.keys(outputs), ['embedding']);
  loaded.dispose();
  output.dispose();
  return numbers;
}

describe("the exported network, run by tfjs' own loader", () => {
  const graphs: Record<string, NetworkGraph> = {
    'of every operation': smallGraph,
    'of the metric recipe': whitenedMaps(
      pooledMaps(resnet50, { size: 64, scales: [1, 0.694], maps: [], poolings: ['max', 'quarters', 'mean'] }),
      16,
    ),
  };
  for (const [name, graph] of Object.entries(graphs)) {
    it(`gives the embeddings of the network that was trained: ${name}`, async () => {
      const size = graph.inputSize;
      const numbers = normals(2 * size * size * 3, 4).map((x) => 128 + 40 * x);
      const pixels = tf.tensor4d(numbers, [2, size, size, 3]);
      const weights = graph === smallGraph ? smallWeights : firstOf(backbone, smallWeights);
      const frozen = { ...graph, trainableAfter: null };
      const network = new Network(frozen, new ParameterStore(frozen, weights));
      const embeddings = tf.tidy(() => network.forward({ [PIXELS]: pixels })[graph.output]?.dataSync());
      network.dispose();

      const made = await predicted(exported(graph, weights, { precision: 'float32', shared }), pixels);

      assert.ok(embeddings !== undefined);
      const worst = Math.max(...[...embeddings].map(Math.abs));
      assertClose(made, embeddings, { tolerance: 1e-4, floor: worst });
      pixels.dispose();
    });
  }

  it('gives the embeddings that Keras gives, with the original head', async () => {
    const { keras, image } = kerasFixtures();
    const size = 200;
    const graph: NetworkGraph = {
      inputSize: size,
      nodes: [...resnet50.nodes(), ...siameseHead('conv5_block3_out')],
      output: 'dense_3',
      trainableAfter: 'conv5_block1_out',
    };
    const decoding = { size, fit: 'squash', kernel: 'linear' } as const;
    const pixels = pixelTensor(
      await Promise.all(keras.images.map((name) => decodeImage(image(name), decoding))),
    );

    const made = await predicted(exported(graph, firstOf(backbone, hashedHead), { shared }), pixels);

    const expected = keras.embedding_before_first8.flat();
    const rows = keras.images.flatMap((_, i) => [...made.subarray(i * 256, i * 256 + 8)]);
    const worst = Math.max(...expected.map(Math.abs));
    // Dense layers are stored in 16 bits.
    assertClose(rows, expected, { tolerance: 2e-3, floor: worst });
    pixels.dispose();
  });

  it('is refused for a model whose arrays are missing, cut short or in a file that is not there', () => {
    const folder = exported(smallGraph, smallWeights);
    const model = readFileSync(path.join(folder, 'embedding.onnx'));
    const text = model.toString('latin1');
    const writeAll = (bytes: Uint8Array): void => {
      for (const { content } of graphModelOf(bytesOf(bytes, 'x'), () => null))
        for (const _ of content) void _;
    };
    writeAll(model);
    for (const share of [0, 0.1, 0.5, 0.9]) {
      assert.throws(() => writeAll(model.subarray(0, model.length * share)), CorruptDataError);
    }
    const renamed = Buffer.from(text.replaceAll('last/kernel', 'lost/kernel'), 'latin1');
    assert.throws(() => writeAll(renamed), CorruptDataError);
    const elsewhere = exported(resnetGraph(), fromFile(backbone), { shared });
    assert.throws(() => writeAll(readFileSync(path.join(elsewhere, 'embedding.onnx'))), CorruptDataError);
  });
});

const resnetGraph = (): NetworkGraph => ({
  inputSize: 32,
  nodes: [...resnet50.nodes(), { op: 'global-average-pool', name: 'pooled', inputs: ['conv5_block3_out'] }],
  output: 'pooled',
  trainableAfter: null,
});
