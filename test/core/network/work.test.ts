import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NetworkGraph } from '../../../core/network/graph.ts';
import { pooledResnet50 } from '../../../core/network/pooled-resnet50.ts';
import { multiplications } from '../../../core/network/work.ts';

it('counts what the paper of ResNet gives for 50 layers at 224 pixels: 3.8 billion multiply-adds', () => {
  const count = multiplications(pooledResnet50(224));
  assert.equal((count / 1e9).toFixed(1), '3.9');
  // Without the classifier's 2 million; rounding down, the paper says 3.8.
  assert.ok(count > 3.8e9 && count < 3.9e9, String(count));
});

it('counts every node once, and only what lies between given and wanted', () => {
  const dense = (name: string, input: string, units: number) =>
    ({ op: 'dense', name, inputs: [input], units }) as const;
  const graph: NetworkGraph = {
    inputSize: 4,
    nodes: [
      { op: 'flatten', name: 'flat', inputs: ['pixels'] },
      dense('a', 'flat', 10),
      dense('b', 'a', 7),
      dense('c', 'a', 5),
      { op: 'concat', name: 'both', inputs: ['b', 'c'] },
    ],
    output: 'both',
    trainableAfter: null,
  };
  const [a, b, c] = [48 * 10, 10 * 7, 10 * 5];
  assert.equal(multiplications(graph), a + b + c);
  assert.equal(multiplications(graph, ['b']), a + b);
  assert.equal(multiplications(graph, ['b', 'c'], ['a']), b + c);
  assert.equal(multiplications(graph, ['a'], ['a']), 0);
});
