/**
 * A network as a TensorFlow.js graph model: model.json and weights.bin, which `tf.loadGraphModel` runs as they are.
 * Weights keep their names and are not folded, so that training can go on from them.
 */
import { PIXELS, parametersOf, shapesOf } from './graph.ts';
import type { NetworkGraph } from './graph.ts';
import { writeNode } from './graph-operations.ts';
import { GraphWriter, dimensionsOf } from './graph-writer.ts';
import type { Constant, NodeDef } from './graph-writer.ts';

export interface GraphModelTopology {
  readonly topology: { readonly node: readonly NodeDef[]; readonly versions: { readonly producer: number } };
  readonly signature: unknown;
  readonly constants: readonly Constant[];
}

/** The topology in TensorFlow's terms; parameters are inputs by their names. */
export function graphModelTopology(graph: NetworkGraph): GraphModelTopology {
  const writer = new GraphWriter();
  const size = graph.inputSize;
  writer.placeholder(PIXELS, [-1, size, size, 3]);
  for (const { name, shape } of parametersOf(graph)) writer.constantNode(name, shape, 'DT_FLOAT');
  const shapes = shapesOf(graph);
  for (const node of graph.nodes) {
    const input = shapes.get(node.inputs[0] as string) ?? [size, size, 3];
    writeNode(writer, node, { input, output: shapes.get(node.name) ?? [] });
  }
  const dimensions = (shapes.get(graph.output) ?? [])[0];
  return {
    topology: { node: writer.nodes, versions: { producer: 1 } },
    signature: {
      inputs: { [PIXELS]: tensorInfo(PIXELS, [-1, size, size, 3]) },
      outputs: { embedding: tensorInfo(graph.output, [-1, dimensions ?? -1]) },
    },
    constants: writer.constants,
  };
}

const tensorInfo = (name: string, shape: readonly number[]): unknown => ({
  name: `${name}:0`,
  dtype: 'DT_FLOAT',
  tensorShape: dimensionsOf(shape),
});
