/** Every backbone by name. To add one, write its file and name it here. */
import type { Backbone } from './backbone.ts';
import { resnet50 } from './resnet50.ts';

export const backbones: Readonly<Record<string, Backbone>> = { resnet50 };

/** Names of maps of any backbone. */
export const MAP_NAMES: readonly string[] = [
  ...new Set(Object.values(backbones).flatMap(({ maps }) => Object.keys(maps))),
];

/** What recipes build on. */
export const DEFAULT_BACKBONE: Backbone = resnet50;
