/** How much a network has to compute, told from its description alone. */
import { PIXELS, parametersOf, shapesOf } from './graph.ts';
import type { NetworkGraph } from './graph.ts';

/**
 * Multiplications with weights that one picture takes from the outputs that are given to those that are wanted: of a
 * convolution the numbers in its kernel times the places where it is put. All else is small beside them.
 */
export function multiplications(
  graph: NetworkGraph,
  wanted: readonly string[] = [graph.output],
  given: readonly string[] = [PIXELS],
): number {
  const shapes = shapesOf(graph);
  const kernels = kernelSizes(graph);
  const needed = new Set(wanted.filter((name) => !given.includes(name)));
  let total = 0;
  for (const node of graph.nodes.toReversed()) {
    if (!needed.delete(node.name)) continue;
    const weights = 'weights' in node ? node.weights : node.name;
    const places = (shapes.get(node.name) ?? []).slice(0, -1).reduce((a, b) => a * b, 1);
    total += places * (kernels.get(`${weights}/kernel`) ?? 0);
    for (const input of node.inputs) if (!given.includes(input)) needed.add(input);
  }
  return total;
}

/** By the parameter's name, since nodes may share one. */
function kernelSizes(graph: NetworkGraph): Map<string, number> {
  return new Map(parametersOf(graph).map(({ name, shape }) => [name, shape.reduce((a, b) => a * b, 1)]));
}
