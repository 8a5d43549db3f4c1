/**
 * Which states of images the gallery of a model has recorded, stored so that a server which starts again finds images that were replaced under
 * their names meanwhile, or just before it was killed, without reading every image. Any server of the registry may write it: a state that
 * is missing only costs reading that image once more.
 */
import { z } from 'zod';
import { encode, readDocument } from '../../core/registry/documents.ts';
import { followedKey } from '../../core/registry/layout.ts';
import type { Following } from '../../core/ingest/reconcile.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import type { States } from './listing.ts';

const schema = z.strictObject({
  version: z.int(),
  dataset: z.string(),
  /** Numbers as little-endian float64, base64. */
  states: z.string(),
});

/** None when nothing was stored for this version and dataset. @throws CorruptDataError */
export async function readStates(
  store: ObjectStore,
  { model, version, dataset }: Following,
): Promise<States> {
  const found = (await readDocument(store, followedKey(model), schema))?.value;
  if (found?.version !== version || found.dataset !== dataset) return new Set();
  const bytes = Buffer.from(found.states, 'base64');
  return new Set(Array.from({ length: Math.floor(bytes.length / 8) }, (_, i) => bytes.readDoubleLE(i * 8)));
}

export async function writeStates(
  store: ObjectStore,
  { model, version, dataset }: Following,
  states: States,
): Promise<void> {
  const bytes = Buffer.alloc(states.size * 8);
  let at = 0;
  for (const state of states) at = bytes.writeDoubleLE(state, at);
  await store.put(followedKey(model), encode({ version, dataset, states: bytes.toString('base64') }));
}
