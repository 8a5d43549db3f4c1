/** The file of weights that all networks on one backbone share, on the graphs of the recipes. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { onnxEmbedder } from '../../../../core/embedding/onnx.ts';
import { resnet50 } from '../../../../core/network/backbones/resnet50.ts';
import { parametersOf } from '../../../../core/network/graph.ts';
import type { NetworkGraph, PlacedParameter } from '../../../../core/network/graph.ts';
import { siameseHead } from '../../../../core/network/heads.ts';
import { writeBackboneWeights } from '../../../../core/network/onnx/backbone-weights.ts';
import { bytesOf } from '../../../../core/network/onnx/bytes.ts';
import { readArrays } from '../../../../core/network/onnx/read.ts';
import { writeOnnx } from '../../../../core/network/onnx/write.ts';
import { firstOf } from '../../../../core/network/parameters.ts';
import type { WeightSource } from '../../../../core/network/parameters.ts';
import { pooledMaps, whitenedMaps } from '../../../../core/training/pooled-maps.ts';
import { openBackbone } from '../../../support/backbone.ts';
import { missingPackages, runPython } from '../../../support/python.ts';

const MB = 1e6;
const root = mkdtempSync(path.join(os.tmpdir(), 'kindred-shared-'));
const backbone = openBackbone();
after(() => {
  backbone.close();
  rmSync(root, { recursive: true, force: true });
});

/** Numbers for what the backbone does not have: many millions of them, so they cost nothing to make. */
const plain: WeightSource = ({ shape }, start, count) => {
  const perRow = shape.slice(1).reduce((a, b) => a * b, 1);
  const numbers = new Float32Array(count * perRow);
  for (let i = 0; i < numbers.length; i++) numbers[i] = (((start * perRow + i) % 31) - 15) / 1000;
  return numbers;
};
const pretrained = firstOf(backbone, plain);
/** As if the last two blocks had been trained. */
const tuned: WeightSource = (spec, start, count) => {
  const numbers = pretrained(spec, start, count);
  return /^conv5_block[23]_.*\/kernel$/.test(spec.name) ? numbers.map((x) => x * 1.01) : numbers;
};

/** What the metric recipe trains by default, at another size. */
const metricAt = (size: number, scales = [1]): NetworkGraph =>
  whitenedMaps(pooledMaps(resnet50, { size, scales, maps: [], poolings: ['max', 'cells'] }), 512);

const missing = await missingPackages('onnx');

describe("the backbone's weights in a file of their own", () => {
  let shared: ReturnType<typeof writeBackboneWeights>;
  before(() => {
    shared = writeBackboneWeights(root, resnet50, backbone);
  });
  let models = 0;

  function write(graph: NetworkGraph, source: WeightSource, isShared = true): string {
    const file = path.join(root, `${models++}.onnx`);
    const specs = new Map(parametersOf(graph).map((spec) => [spec.name, spec]));
    const weights = {
      has: (name: string) => specs.has(name),
      shape: (name: string) => (specs.get(name) as PlacedParameter).shape,
      read: (name: string, start: number, count: number) =>
        source(specs.get(name) as PlacedParameter, start, count),
    };
    const preprocessing = { size: graph.inputSize, fit: 'squash', kernel: 'linear' } as const;
    writeOnnx(file, { graph, preprocessing, weights }, { shared: isShared ? shared : null });
    return file;
  }

  /** Arrays that the model takes from the file. */
  const sharedBy = (file: string): string[] =>
    [...readArrays(bytesOf(file, file))].flatMap(([name, { place }]) => ('location' in place ? [name] : []));

  it('are the same bytes each time, under their SHA-256', () => {
    const folder = path.join(root, 'again');
    mkdirSync(folder);
    const again = writeBackboneWeights(folder, resnet50, backbone);
    assert.equal(again.sha256, shared.sha256);
    assert.equal(path.basename(again.file), again.sha256);
    assert.deepEqual(readFileSync(again.file), readFileSync(shared.file));
    assert.ok(statSync(shared.file).size < 96 * MB);
  });

  it('leave at most 25 MB to a network that tuned nothing, at any input size and at two at once', () => {
    for (const graph of [metricAt(288), metricAt(200)]) {
      const file = write(graph, pretrained);
      assert.equal(sharedBy(file).length, shared.places.size);
      assert.ok(statSync(file).size <= 25 * MB, `${statSync(file).size}`);
    }
    assert.equal(sharedBy(write(metricAt(96, [1, 0.694]), pretrained)).length, shared.places.size);
  });

  it('leave at most 85 MB to a network with tuned blocks, which takes all others from the same file', () => {
    const file = write(metricAt(288), tuned);
    const own = [...shared.places.keys()].filter((name) => !sharedBy(file).includes(name));
    assert.ok(own.length > 0 && own.every((name) => /^conv5_block[23]_/.test(name)));
    assert.ok(statSync(file).size <= 85 * MB, `${statSync(file).size}`);
    assert.ok(statSync(file).size > 50 * MB);
  });

  it('are shared by the siamese recipe, whose dense layers are its own', () => {
    const graph: NetworkGraph = {
      inputSize: 200,
      nodes: [...resnet50.nodes(), ...siameseHead('conv5_block3_out')],
      output: 'dense_3',
      trainableAfter: 'conv5_block1_out',
    };
    const size = statSync(write(graph, tuned)).size;
    assert.ok(size > 100 * MB && size < 145 * MB, `${size}`);
  });

  it('give the embeddings that the whole model gives, to the bit: from the folder and from bytes', async () => {
    const side = 64;
    const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 31) % 256);
    for (const source of [pretrained, tuned]) {
      const graph = metricAt(side, [1, 0.694]);
      const [whole, split] = [write(graph, source, false), write(graph, source)];
      const bytes = new Uint8Array(new SharedArrayBuffer(statSync(shared.file).size));
      bytes.set(readFileSync(shared.file));
      const name = shared.sha256;
      const embedders = [
        await onnxEmbedder(whole),
        await onnxEmbedder(split, { shared: { name, file: shared.file } }),
        await onnxEmbedder(readFileSync(split), { shared: { name, file: bytes } }),
      ];
      const [expected, ...others] = await Promise.all(
        embedders.map((each) => each.embed([{ width: side, height: side, data }])),
      );
      for (const other of others) assert.deepEqual(other, expected);
      for (const each of embedders) each.dispose();
    }
  });

  it("are found sound by ONNX's own tools", { skip: missing ?? false }, async () => {
    const file = write(metricAt(64), pretrained);
    const script = 'import sys, onnx; onnx.checker.check_model(sys.argv[1], full_check=True); print("sound")';
    assert.equal((await runPython(script, [file], 'onnx')).trim(), 'sound');
  });
});
