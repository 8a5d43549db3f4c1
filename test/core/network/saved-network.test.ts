import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { CorruptDataError } from '../../../core/errors.ts';
import { parseDescription } from '../../../core/network/graph-schema.ts';
import { PIXELS, parametersOf } from '../../../core/network/graph.ts';
import { Network } from '../../../core/network/network.ts';
import { ParameterStore, fromFile } from '../../../core/network/parameters.ts';
import { openNetwork, saveNetwork } from '../../../core/network/saved-network.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { assertClose } from '../../support/numbers.ts';
import { smallGraph, smallWeights, somePixels } from './small.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'kindred-saved-'));
after(() => rmSync(root, { recursive: true, force: true }));

const description = {
  graph: smallGraph,
  preprocessing: { size: smallGraph.inputSize, fit: 'squash', kernel: 'linear' },
} as const;
let files = 0;

/** Saves the small network and gives the file and what it embeds some pixels to. */
async function save(): Promise<{ file: string; embeddings: Float32Array }> {
  const file = path.join(root, `${files++}.safetensors`);
  const network = new Network(smallGraph, new ParameterStore(smallGraph, smallWeights));
  await saveNetwork(file, description, network.parameters.sources());
  const embeddings = tf.tidy(() =>
    network.forward({ [PIXELS]: somePixels(3) })['embedding']?.dataSync(),
  ) as Float32Array;
  network.dispose();
  return { file, embeddings };
}

describe('a saved network, read back', () => {
  it('is the network that was saved, to the bit', async () => {
    const { file, embeddings } = await save();
    const saved = openNetwork(file);

    const network = new Network(saved.graph, new ParameterStore(saved.graph, fromFile(saved.weights)));
    tf.tidy(() =>
      assertClose(network.forward({ [PIXELS]: somePixels(3) })['embedding']?.dataSync() ?? [], embeddings, {
        tolerance: 1e-6,
      }),
    );
    network.dispose();
    assert.deepEqual(saved.graph, smallGraph);
    assert.deepEqual(saved.preprocessing, description.preprocessing);
    for (const spec of parametersOf(smallGraph)) {
      const rows = spec.shape[0] ?? 1;
      assert.deepEqual(saved.weights.read(spec.name, 0, rows), smallWeights(spec, 0, rows), spec.name);
    }
    saved.close();
  });

  it('is refused when it was cut short', async () => {
    const { file } = await save();
    truncateSync(file, readFileSync(file).length - 4);
    assert.throws(() => openNetwork(file), CorruptDataError);
  });

  it('is not written over', async () => {
    const { file } = await save();
    await assert.rejects(saveNetwork(file, description, []), { code: 'EEXIST' });
  });
});

describe('a hostile description', () => {
  interface Document {
    graph: { nodes: Record<string, unknown>[] } & Record<string, unknown>;
    preprocessing: Record<string, unknown>;
  }
  const graphOf = (document: Document) => document.graph;
  const nodeOf = (document: Document, name: string) =>
    document.graph.nodes.find((node) => node['name'] === name) as Record<string, unknown>;

  const changes: Record<string, (document: Document) => unknown> = {
    'is null': () => null,
    'is a list': () => [],
    'is a graph model of somebody else': () => ({ format: 'graph-model' }),
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
    'makes pictures of another size': (document) => Object.assign(document.preprocessing, { size: 16 }),
    'has an unknown kernel': (document) => Object.assign(document.preprocessing, { kernel: 'magic' }),
  };
  const whole = new Set(['is null', 'is a list', 'is a graph model of somebody else']);

  for (const [name, change] of Object.entries(changes)) {
    it(`is refused when it ${name}`, () => {
      const document = JSON.parse(JSON.stringify(description)) as Document;
      const changed = change(document);
      const json = JSON.stringify(whole.has(name) ? changed : document);
      assert.throws(
        () => parseDescription(json, 'here'),
        (error: unknown) => error instanceof CorruptDataError && error.message.includes('here'),
      );
    });
  }

  it('is refused when it is no JSON', () => {
    for (const json of ['', '{', '\u0000', 'PK\u0003\u0004'])
      assert.throws(() => parseDescription(json, 'here'), CorruptDataError);
  });
});
