/** Every operation by name. To add one, write its file and name it here. */
import { batchNorm } from './batch-norm.ts';
import type { BatchNormNode } from './batch-norm.ts';
import { caffePreprocess } from './caffe-preprocess.ts';
import type { CaffePreprocessNode } from './caffe-preprocess.ts';
import { conv } from './conv.ts';
import type { ConvNode } from './conv.ts';
import { dense } from './dense.ts';
import type { DenseNode } from './dense.ts';
import { l2Normalize } from './l2-normalize.ts';
import type { L2NormalizeNode } from './l2-normalize.ts';
import type { Operation } from './operation.ts';
import { globalMaxPool, gridAveragePool } from './pooling.ts';
import type { GlobalMaxPoolNode, GridAveragePoolNode } from './pooling.ts';
import { resize } from './resize.ts';
import type { ResizeNode } from './resize.ts';
import { add, concat, flatten, globalAveragePool, maxPool } from './shaping.ts';
import type { AddNode, ConcatNode, FlattenNode, GlobalAveragePoolNode, MaxPoolNode } from './shaping.ts';

export type NetworkNode =
  | AddNode
  | BatchNormNode
  | CaffePreprocessNode
  | ConcatNode
  | ConvNode
  | DenseNode
  | FlattenNode
  | GlobalAveragePoolNode
  | GlobalMaxPoolNode
  | GridAveragePoolNode
  | L2NormalizeNode
  | MaxPoolNode
  | ResizeNode;

export const operations: { readonly [Op in NetworkNode['op']]: Operation<Extract<NetworkNode, { op: Op }>> } =
  {
    add,
    'batch-norm': batchNorm,
    'caffe-preprocess': caffePreprocess,
    concat,
    conv,
    dense,
    flatten,
    'global-average-pool': globalAveragePool,
    'global-max-pool': globalMaxPool,
    'grid-average-pool': gridAveragePool,
    'l2-normalize': l2Normalize,
    'max-pool': maxPool,
    resize,
  };

/** The operation of a node, with the node's type taken as given: the table above pairs them. */
export function operationOf(node: NetworkNode): Operation<NetworkNode> {
  return operations[node.op];
}
