import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import type { Tensor } from '@tensorflow/tfjs-node';
import { PIXELS, parametersOf } from '../../../../core/network/graph.ts';
import type { NetworkGraph } from '../../../../core/network/graph.ts';
import { siameseHead } from '../../../../core/network/heads.ts';
import { Network } from '../../../../core/network/network.ts';
import { writeOnnx } from '../../../../core/network/onnx/write.ts';
import type { Precision } from '../../../../core/network/onnx/writer.ts';
import type { NetworkNode } from '../../../../core/network/ops/index.ts';
import type { Operation } from '../../../../core/network/ops/operation.ts';
import type { AddNode } from '../../../../core/network/ops/shaping.ts';
import { add } from '../../../../core/network/ops/shaping.ts';
import { ParameterStore, firstOf, fromFile } from '../../../../core/network/parameters.ts';
import type { WeightSource } from '../../../../core/network/parameters.ts';
import type { WeightFile } from '../../../../core/network/weight-file.ts';
import { resnet50 } from '../../../../core/network/backbones/resnet50.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { pooledMaps, whitenedMaps } from '../../../../core/training/pooled-maps.ts';
import { openBackbone } from '../../../support/backbone.ts';
import { assertClose, normals } from '../../../support/numbers.ts';
import { missingPackages, runPython } from '../../../support/python.ts';
import { smallGraph, smallWeights } from '../small.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-onnx-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** The weights of a graph as a file has them. */
function fileOf(graph: NetworkGraph, source: WeightSource): WeightFile {
  const specs = new Map(parametersOf(graph).map((spec) => [spec.name, spec]));
  const spec = (name: string) => specs.get(name) ?? assert.fail(`no parameter ${name}`);
  return {
    has: (name) => specs.has(name),
    shape: (name) => spec(name).shape,
    read: (name, start, count) => source(spec(name), start, count),
  };
}

/** Writes the model of a graph. @returns the file's path */
function write(graph: NetworkGraph, source: WeightSource, precision?: Precision): string {
  const file = path.join(folder, `${files++}.onnx`);
  const preprocessing = { size: graph.inputSize, fit: 'squash', kernel: 'linear' } as const;
  writeOnnx(file, { graph, preprocessing, weights: fileOf(graph, source) }, precision && { precision });
  return file;
}

/** What ONNX Runtime makes of pixels. */
async function answer(file: string, pixels: Tensor): Promise<Float32Array> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 2, logSeverityLevel: 3 });
  const input = new OnnxTensor('float32', pixels.dataSync() as Float32Array, pixels.shape);
  const { embedding } = await session.run({ pixels: input });
  await session.release();
  return embedding?.data as Float32Array;
}

/** What the network itself makes of them. */
function reference(graph: NetworkGraph, source: WeightSource, pixels: Tensor): Float32Array {
  const frozen = { ...graph, trainableAfter: null };
  const network = new Network(frozen, new ParameterStore(frozen, fromFile(fileOf(graph, source))));
  const output = tf.tidy(() => network.forward({ [PIXELS]: pixels })[graph.output]?.dataSync());
  network.dispose();
  return output as Float32Array;
}

/** Normally distributed around mid-grey. */
function pixelsFor({ inputSize: size }: NetworkGraph, count: number): Tensor {
  const numbers = normals(count * size * size * 3, 4).map((x) => 128 + 40 * x);
  return tf.tensor(numbers, [count, size, size, 3]);
}

const graphOf = (inputSize: number, ...nodes: NetworkNode[]): NetworkGraph => ({
  inputSize,
  nodes,
  output: (nodes.at(-1) as NetworkNode).name,
  trainableAfter: null,
});

const flat = (input: string): NetworkNode => ({ op: 'flatten', name: 'flat', inputs: [input] });
const centred = { op: 'caffe-preprocess', name: 'centred', inputs: [PIXELS] } as const;
const pool = { op: 'max-pool', name: 'pooled', inputs: ['centred'], size: 3, stride: 2, padding: 1 } as const;

const graphs: Record<string, NetworkGraph> = {
  'of every operation': smallGraph,
  'that flattens maps': graphOf(5, flat(PIXELS)),
  'that makes pictures smaller': graphOf(
    29,
    { op: 'resize', name: 'resized', inputs: [PIXELS], size: 20 },
    flat('resized'),
  ),
  'that makes pictures much smaller': graphOf(
    31,
    { op: 'resize', name: 'resized', inputs: [PIXELS], size: 5 },
    flat('resized'),
  ),
  'that makes pictures larger': graphOf(
    7,
    { op: 'resize', name: 'resized', inputs: [PIXELS], size: 16 },
    flat('resized'),
  ),
  'that takes the maximum of negative numbers, with zeros beyond the border': graphOf(
    6,
    centred,
    pool,
    flat('pooled'),
  ),
  'that normalises maps': graphOf(
    4,
    { op: 'batch-norm', name: 'norm', inputs: [PIXELS], epsilon: 1e-3 },
    flat('norm'),
  ),
  'that pools maxima': graphOf(6, centred, {
    op: 'global-max-pool',
    name: 'most',
    inputs: ['centred'],
  }),
  'that pools the cells of a grid, whose side is no multiple of them': graphOf(7, centred, {
    op: 'grid-average-pool',
    name: 'cells',
    inputs: ['centred'],
    cells: 3,
  }),
  'that adds three maps': graphOf(
    4,
    centred,
    { op: 'add', name: 'sum', inputs: [PIXELS, 'centred', PIXELS] },
    flat('sum'),
  ),
};

describe('a network as an ONNX model', () => {
  for (const [name, graph] of Object.entries(graphs)) {
    it(`gives what the network gives: one ${name}`, async () => {
      const pixels = pixelsFor(graph, 3);
      const [expected, file] = [
        reference(graph, smallWeights, pixels),
        write(graph, smallWeights, 'float32'),
      ];

      assertClose(await answer(file, pixels), expected, { tolerance: 1e-4 });
      pixels.dispose();
    });
  }

  it('leaves a row of zeros at zero instead of dividing by its length', async () => {
    const graph = graphOf(2, flat(PIXELS), { op: 'l2-normalize', name: 'unit', inputs: ['flat'] });
    const pixels = tf.zeros([2, 2, 2, 3]);

    assert.deepEqual(
      [...(await answer(write(graph, smallWeights), pixels))],
      Array.from({ length: 24 }, () => 0),
    );
  });

  it('stores weights of dense layers in 16 bits, but in 32 where some are too large or all too small for that', async () => {
    const graph = graphOf(
      2,
      flat(PIXELS),
      { op: 'dense', name: 'fits', inputs: ['flat'], units: 500, bias: false },
      { op: 'dense', name: 'large', inputs: ['fits'], units: 500, bias: false },
      { op: 'dense', name: 'small', inputs: ['large'], units: 500, bias: false },
    );
    const factors: Readonly<Record<string, number>> = { 'large/kernel': 1e6, 'small/kernel': 1e-7 };
    const source: WeightSource = (spec, start, count) =>
      smallWeights(spec, start, count).map((x) => x * (factors[spec.name] ?? 1));
    const pixels = pixelsFor(graph, 2);

    const file = write(graph, source);

    const [half, whole] = [2 * 12 * 500, 4 * 2 * 500 * 500];
    const beside = statSync(file).size - half - whole;
    assert.ok(beside > 0 && beside < 2000, `${beside} bytes beside the weights`);
    const expected = reference(graph, source, pixels);
    const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    assertClose(await answer(file, pixels), expected, { tolerance: 2e-3, floor: largest });
    pixels.dispose();
  });

  it('is not written over', () => {
    const graph = graphOf(2, flat(PIXELS));
    const network = {
      graph,
      preprocessing: { size: 2, fit: 'squash', kernel: 'linear' },
      weights: fileOf(graph, smallWeights),
    } as const;
    const file = path.join(folder, 'once.onnx');
    writeOnnx(file, network);

    assert.throws(() => writeOnnx(file, network), { code: 'EEXIST' });
  });

  it('is asked of every operation: one that cannot be written does not compile', () => {
    const others: Omit<Operation<AddNode>, 'onnx'> = add;
    // @ts-expect-error -- it lacks `onnx`
    const incomplete: Operation<AddNode> = others;
    assert.ok(incomplete);
  });
});

describe('a network of a recipe as an ONNX model', () => {
  const backbone = openBackbone();
  after(() => backbone.close());
  const weights = firstOf(backbone, (spec, start, count) =>
    smallWeights(spec, start, count).map((x) => x / Math.sqrt(spec.shape[0] ?? 1)),
  );
  const recipes: Record<string, NetworkGraph> = {
    siamese: {
      inputSize: 64,
      nodes: [...resnet50.nodes(), ...siameseHead('conv5_block3_out')],
      output: 'dense_3',
      trainableAfter: 'conv5_block1_out',
    },
    metric: whitenedMaps(
      pooledMaps(resnet50, { size: 64, scales: [1, 0.694], maps: [], poolings: ['max', 'quarters', 'mean'] }),
      16,
    ),
  };

  for (const [name, graph] of Object.entries(recipes)) {
    it(`gives the same with weights of 32 bits, and nearly the same with some of 16: ${name}`, async () => {
      const pixels = pixelsFor(graph, 4);
      const expected = reference(graph, weights, pixels);
      const [whole, mixed] = [write(graph, weights, 'float32'), write(graph, weights)];

      assert.ok(worstCosine(expected, await answer(whole, pixels), 4) > 1 - 1e-9);
      assert.ok(worstCosine(expected, await answer(mixed, pixels), 4) > 0.999999);
      const saved = statSync(whole).size - statSync(mixed).size;
      const dense = parametersOf(graph).filter(({ shape }) => shape.length === 2);
      const expectedToBe = dense.reduce((sum, { shape }) => sum + 2 * (shape[0] ?? 0) * (shape[1] ?? 0), 0);
      assert.ok(Math.abs(saved - expectedToBe) < 1000, `${saved} bytes saved instead of ${expectedToBe}`);
      pixels.dispose();
    });
  }

  it('stores once what two input sizes share', () => {
    const [one, two] = [atSizes(64), atSizes(64, 44)].map((graph) => statSync(write(graph, weights)).size);
    assert.ok((two as number) - (one as number) < 60_000, `${one} and ${two} bytes`);
  });
});

/** The pooled backbone at one or two input sizes. */
function atSizes(size: number, second?: number): NetworkGraph {
  const averaged = (name: string, input: string): NetworkNode => ({
    op: 'global-average-pool',
    name,
    inputs: [input],
  });
  const nodes: NetworkNode[] = [...resnet50.nodes(), averaged('first', 'conv5_block3_out')];
  if (second === undefined) return graphOf(size, ...nodes);
  return graphOf(
    size,
    ...nodes,
    { op: 'resize', name: 'smaller', inputs: [PIXELS], size: second },
    ...resnet50.nodes({ prefix: 'again/', input: 'smaller' }),
    averaged('second', 'again/conv5_block3_out'),
    { op: 'concat', name: 'both', inputs: ['first', 'second'] },
  );
}

describe("ONNX's own tools", async () => {
  const missing = await missingPackages('onnx');
  const options = { skip: missing ?? false };
  const check = `
import sys, json, numpy, onnx
from onnx.reference import ReferenceEvaluator
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
pixels = numpy.fromfile(sys.argv[2], numpy.float32).reshape(json.loads(sys.argv[3]))
made = ReferenceEvaluator(model).run(None, {"pixels": pixels})[0]
print(json.dumps({"ir": model.ir_version, "opset": model.opset_import[0].version,
  "notes": {entry.key: entry.value for entry in model.metadata_props}, "made": made.flatten().tolist()}))`;

  for (const precision of ['float32', 'mixed'] as const) {
    it(
      `find nothing wrong with a model of ${precision} weights, and compute the same from it`,
      options,
      async () => {
        const pixels = pixelsFor(smallGraph, 2);
        const file = write(smallGraph, smallWeights, precision);
        writeFileSync(`${file}.pixels`, pixels.dataSync());

        const told = JSON.parse(
          await runPython(check, [file, `${file}.pixels`, JSON.stringify(pixels.shape)], 'onnx'),
        ) as { ir: number; opset: number; notes: Record<string, string>; made: number[] };

        assert.deepEqual([told.ir, told.opset], [8, 17]);
        assert.deepEqual(JSON.parse(told.notes['kindred'] ?? ''), {
          graph: smallGraph,
          preprocessing: { size: 8, fit: 'squash', kernel: 'linear' },
        });
        assertClose(told.made, reference(smallGraph, smallWeights, pixels), {
          tolerance: precision === 'float32' ? 1e-4 : 5e-3,
        });
        pixels.dispose();
      },
    );
  }

  it('find nothing wrong with the network of the default recipe', options, async () => {
    const backbone = openBackbone();
    const file = write(
      whitenedMaps(
        pooledMaps(resnet50, {
          size: 64,
          scales: [1, 0.694],
          maps: [],
          poolings: ['max', 'quarters', 'mean'],
        }),
        16,
      ),
      firstOf(backbone, smallWeights),
    );
    backbone.close();
    const script = 'import sys, onnx; onnx.checker.check_model(sys.argv[1], full_check=True); print("sound")';

    assert.equal((await runPython(script, [file], 'onnx')).trim(), 'sound');
  });
});

function worstCosine(expected: Float32Array, found: Float32Array, rows: number): number {
  const width = expected.length / rows;
  let worst = 1;
  for (let row = 0; row < rows; row++) {
    const [a, b] = [expected, found].map((all) => all.subarray(row * width, (row + 1) * width));
    const dot = (x: Float32Array, y: Float32Array): number =>
      x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
    const [u, v] = [a as Float32Array, b as Float32Array];
    worst = Math.min(worst, dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v)));
  }
  return worst;
}
