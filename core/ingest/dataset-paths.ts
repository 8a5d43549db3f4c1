/** Where a dataset's images are. */
import { placeOf } from '../images/layout.ts';
import { isName } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import type { ListedObject } from '../storage/store.ts';

/** Whether a dataset counts what is at `<class>/<file>` as an image of a class. */
export function isImagePath(path: string): boolean {
  const place = placeOf(path);
  return typeof place === 'object' && 'className' in place;
}

/** The images of a dataset, by name: nothing is read. */
export async function* listImages(
  registry: Registry,
  dataset: string,
): AsyncGenerator<Pick<ListedObject, 'state'> & { readonly path: string }> {
  const prefix = registry.dataSetPrefix(dataset);
  for await (const { key, state, problem } of registry.store.list(prefix)) {
    const path = key.slice(prefix.length);
    if (!problem && isImagePath(path)) yield { path, ...(state !== undefined && { state }) };
  }
}

/** `<class>/<file>` of each image, by dataset; keys of anything else are passed over. */
export function pathsByDataset(keys: readonly string[]): Map<string, string[]> {
  const paths = new Map<string, Set<string>>();
  for (const key of keys) {
    const [, dataset = '', path = ''] = /^datasets\/([^/]+)\/([^/]+\/[^/]+)$/.exec(key) ?? [];
    if (!isName(dataset, 'data set') || !isImagePath(path)) continue;
    paths.set(dataset, (paths.get(dataset) ?? new Set()).add(path));
  }
  return new Map([...paths].map(([dataset, found]) => [dataset, [...found]]));
}
