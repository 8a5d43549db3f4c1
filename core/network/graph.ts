/** A network as data: what runs it, counts it, exports it and stores it all read this one description. */
import { InvalidInputError } from '../errors.ts';
import { PIXELS } from './names.ts';
import { operationOf } from './ops/index.ts';
import type { NetworkNode } from './ops/index.ts';
import type { ParameterSpec, Shape } from './ops/operation.ts';

export { PIXELS };

export interface NetworkGraph {
  /** Side of the square input, in pixels. */
  readonly inputSize: number;
  /** In an order in which every node comes after its inputs. */
  readonly nodes: readonly NetworkNode[];
  /** Name of the node whose output is the embedding. */
  readonly output: string;
  /** Nodes after this one are trained; null: none is. */
  readonly trainableAfter: string | null;
}

/** Shapes of all nodes' outputs, the input's included, without the batch axis. @throws InvalidInputError on a broken graph. */
export function shapesOf(graph: NetworkGraph): Map<string, Shape> {
  const shapes = new Map<string, Shape>([[PIXELS, [graph.inputSize, graph.inputSize, 3]]]);
  for (const node of graph.nodes) {
    if (shapes.has(node.name))
      throw new InvalidInputError(`two nodes of the network are called '${node.name}'`);
    shapes.set(node.name, operationOf(node).outputShape(node, inputShapes(node, shapes)));
  }
  if (!shapes.has(graph.output))
    throw new InvalidInputError(`the network has no node '${graph.output}' to give out`);
  return shapes;
}

function inputShapes(node: NetworkNode, shapes: ReadonlyMap<string, Shape>): Shape[] {
  return node.inputs.map((input) => {
    const shape = shapes.get(input);
    if (shape === undefined)
      throw new InvalidInputError(`node '${node.name}' takes '${input}', which no earlier node gives`);
    return shape;
  });
}

/** Names of the nodes that are trained. */
export function trainableNodes(graph: NetworkGraph): Set<string> {
  if (graph.trainableAfter === null) return new Set();
  const last = graph.nodes.findIndex((node) => node.name === graph.trainableAfter);
  if (last < 0)
    throw new InvalidInputError(`the network has no node '${graph.trainableAfter}' to train after`);
  return new Set(graph.nodes.slice(last + 1).map((node) => node.name));
}

export interface PlacedParameter extends ParameterSpec {
  readonly node: string;
}

/** All parameters, each once; `trainable` holds only for those of trained nodes. */
export function parametersOf(graph: NetworkGraph): PlacedParameter[] {
  const shapes = shapesOf(graph);
  const trained = trainableNodes(graph);
  const placed = new Map<string, PlacedParameter>();
  for (const node of graph.nodes) {
    for (const spec of operationOf(node).parameters?.(node, inputShapes(node, shapes)) ?? []) {
      const trainable = spec.trainable && trained.has(node.name);
      const other = placed.get(spec.name);
      if (other === undefined) placed.set(spec.name, { ...spec, node: node.name, trainable });
      else checkShared(other, spec, trainable);
    }
  }
  return [...placed.values()];
}

/** Nodes may share weights that are not trained; each trained one would be updated once for every node. */
function checkShared(first: PlacedParameter, second: ParameterSpec, trainable: boolean): void {
  if (first.shape.join() !== second.shape.join()) {
    throw new InvalidInputError(
      `'${second.name}' has shapes [${first.shape.join()}] and [${second.shape.join()}] in two nodes`,
    );
  }
  if (first.trainable || trainable) {
    throw new InvalidInputError(
      `'${second.name}' is trained and shared by two nodes; share only what is frozen`,
    );
  }
}

/** How many numbers are trained and how many are not. */
export function countParameters(graph: NetworkGraph): { trainable: number; other: number } {
  const count = { trainable: 0, other: 0 };
  for (const { shape, trainable } of parametersOf(graph)) {
    count[trainable ? 'trainable' : 'other'] += shape.reduce((a, b) => a * b, 1);
  }
  return count;
}
