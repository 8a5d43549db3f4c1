import type { ObjectStore } from '../storage/store.ts';
import { isUlid } from '../ulid.ts';
import type { KeptDocument, TokenStore } from './token-store.ts';
import { unlessDamaged } from './unless-damaged.ts';

const TOKENS = 'tokens/';
const ENDING = '.json';

/** Tokens that are kept in a registry, under `tokens/`. */
export function registryTokens(store: ObjectStore): TokenStore {
  async function get(id: string): Promise<KeptDocument | null> {
    const place = keyOf(id);
    const found = await store.get(place);
    return found && { id, place, document: found.bytes };
  }

  return {
    uri: store.uri,
    get,

    async create(id, document) {
      await store.put(keyOf(id), document, { ifAbsent: true });
    },

    async list(onDamaged) {
      const ids: string[] = [];
      for await (const { key, problem } of store.list(TOKENS)) {
        const id = key.slice(TOKENS.length, -ENDING.length);
        if (!problem && key === keyOf(id) && isUlid(id)) ids.push(id);
      }
      const found = await Promise.all(ids.map((id) => unlessDamaged(() => get(id), onDamaged)));
      return found.filter((kept) => kept !== null);
    },

    async delete(id) {
      await store.delete(keyOf(id));
    },
  };
}

function keyOf(id: string): string {
  return `${TOKENS}${id}${ENDING}`;
}
