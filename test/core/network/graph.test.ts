import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidInputError } from '../../../core/errors.ts';
import {
  PIXELS,
  countParameters,
  parametersOf,
  shapesOf,
  trainableNodes,
} from '../../../core/network/graph.ts';
import type { NetworkGraph } from '../../../core/network/graph.ts';
import { siameseHead } from '../../../core/network/heads.ts';
import { resnet50 } from '../../../core/network/backbones/resnet50.ts';
import { openBackbone } from '../../support/backbone.ts';
import { smallGraph } from './small.ts';

const says = (message: RegExp) => (error: unknown) =>
  error instanceof InvalidInputError && message.test(error.message);

const resnet: NetworkGraph = {
  inputSize: 200,
  nodes: resnet50.nodes(),
  output: 'conv5_block3_out',
  trainableAfter: null,
};

describe('a graph', () => {
  it('knows the shapes of all outputs', () => {
    const shapes = shapesOf(smallGraph);
    assert.deepEqual(
      ['pixels', 'below', 'frozen', 'sum', 'flat', 'dense', 'pooled', 'both', 'embedding'].map((name) =>
        shapes.get(name),
      ),
      [[8, 8, 3], [4, 4, 4], [4, 4, 4], [4, 4, 4], [64], [5], [4], [9], [6]],
    );
  });

  it('refuses two nodes of one name', () => {
    const twice = {
      ...smallGraph,
      nodes: [...smallGraph.nodes, smallGraph.nodes[1] as (typeof smallGraph.nodes)[0]],
    };
    assert.throws(() => shapesOf(twice), says(/two nodes of the network are called 'below'/));
  });

  it('refuses a node that takes what no earlier node gives', () => {
    const broken = { ...smallGraph, nodes: smallGraph.nodes.toReversed() };
    assert.throws(() => shapesOf(broken), says(/'embedding' takes 'last', which no earlier node gives/));
  });

  it('refuses an output and a place to train after that are not there', () => {
    assert.throws(() => shapesOf({ ...smallGraph, output: 'up' }), says(/no node 'up' to give out/));
    assert.throws(
      () => trainableNodes({ ...smallGraph, trainableAfter: 'up' }),
      says(/no node 'up' to train after/),
    );
  });

  it('trains what comes after a node, moving statistics never', () => {
    const trainable = parametersOf(smallGraph)
      .filter((spec) => spec.trainable)
      .map(({ name }) => name);
    assert.deepEqual(
      trainable.filter((name) => name.startsWith('left')),
      ['left/kernel', 'left/bias', 'left_bn/gamma', 'left_bn/beta'],
    );
    assert.ok(trainable.every((name) => !name.startsWith('below')));
    assert.ok(trainable.every((name) => !name.includes('moving')));
    assert.deepEqual(trainableNodes({ ...smallGraph, trainableAfter: null }), new Set());
  });
});

describe('ResNet50 without its top', () => {
  it('has 23,587,712 weights and gives 7x7x2048 from 200x200', () => {
    assert.deepEqual(countParameters(resnet), { trainable: 0, other: 23_587_712 });
    assert.deepEqual(shapesOf(resnet).get('conv5_block3_out'), [7, 7, 2048]);
    assert.equal(shapesOf(resnet).get(PIXELS)?.[0], 200);
  });

  it('has the names and shapes of the published weight file, all of them', () => {
    const file = openBackbone();
    const needed = parametersOf(resnet).map(({ name, shape }) => [name, [...shape]] as const);
    const given = file.names().map((name) => [name, [...file.shape(name)]] as const);
    assert.deepEqual(new Map(needed), new Map(given));
    file.close();
  });

  it('with the siamese head trains 60,510,720 numbers and keeps 14,657,920, as Keras counts', () => {
    const nodes = [...resnet50.nodes(), ...siameseHead('conv5_block3_out')];
    const graph = { inputSize: 200, nodes, output: 'dense_3', trainableAfter: 'conv5_block1_out' };
    assert.deepEqual(countParameters(graph), { trainable: 60_510_720, other: 14_657_920 });
  });

  it('can be in a network twice with the same frozen weights, but not with trained ones', () => {
    const nodes = [...resnet50.nodes(), ...resnet50.nodes({ prefix: 'again/' })];
    const frozen = { ...resnet, nodes };
    assert.deepEqual(countParameters(frozen), { trainable: 0, other: 23_587_712 });
    assert.throws(
      () => parametersOf({ ...frozen, trainableAfter: 'conv5_block1_out' }),
      says(/is trained and shared/),
    );
  });
});
