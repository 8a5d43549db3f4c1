/** Manifests that this process has read: a manifest never changes while its version exists. */
import type { ObjectStore } from '../storage/store.ts';
import { manifestKey } from './layout.ts';
import type { Manifest } from './manifest.ts';

/** One may name every image of a large dataset. */
const MOST = 16;

const known = new WeakMap<ObjectStore, Map<string, Manifest>>();

export function knownManifest(store: ObjectStore, model: string, version: number): Manifest | undefined {
  return known.get(store)?.get(manifestKey(model, version));
}

export function rememberManifest(store: ObjectStore, manifest: Manifest): void {
  const own = known.get(store) ?? new Map<string, Manifest>();
  known.set(store, own);
  const key = manifestKey(manifest.model, manifest.version);
  own.delete(key);
  own.set(key, manifest);
  const [oldest] = own.keys();
  if (own.size > MOST && oldest !== undefined) own.delete(oldest);
}

export function forgetManifest(store: ObjectStore, model: string, version: number): void {
  known.get(store)?.delete(manifestKey(model, version));
}
