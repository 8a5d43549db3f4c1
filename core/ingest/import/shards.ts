/** What became of an import's images, shard by shard: each is written once, and one that is there is not embedded again. */
import { z } from 'zod';
import { ConflictError, NotFoundError } from '../../errors.ts';
import { encode, readDocument } from '../../registry/documents.ts';
import { jobPrefix } from '../../registry/layout.ts';
import type { ObjectStore } from '../../storage/store.ts';

const rowSchema = z.union([
  z.strictObject({ path: z.string(), sha256: z.string() }),
  z.strictObject({ path: z.string(), reason: z.string() }),
]);
/** An image that is embedded, or why it is not. */
export type ShardRow = Readonly<z.infer<typeof rowSchema>>;
const shardSchema = z.strictObject({ rows: z.array(rowSchema) });

export const shardsPrefix = (id: string): string => `${jobPrefix(id)}shards/`;
const shardKey = (id: string, shard: number): string => `${shardsPrefix(id)}${numbered(shard)}.json`;

/** So that keys sort as numbers do. */
export function numbered(shard: number): string {
  return String(shard).padStart(7, '0');
}

/** The file of the embedding cache that a shard's embeddings are in. */
export function embeddingsId(id: string, shard: number): string {
  return `${id}-${numbered(shard)}`;
}

/** The numbers of the shards that are done. */
export async function listShards(store: ObjectStore, id: string): Promise<Set<number>> {
  const shards = new Set<number>();
  const prefix = shardsPrefix(id);
  for await (const { key, problem } of store.list(prefix)) {
    const [, number] = /^(\d{7})\.json$/.exec(key.slice(prefix.length)) ?? [];
    if (!problem && number !== undefined) shards.add(Number(number));
  }
  return shards;
}

/** Of two processes that did the same shard, the first one's counts. */
export async function writeShard(
  store: ObjectStore,
  id: string,
  shard: number,
  rows: readonly ShardRow[],
): Promise<void> {
  try {
    await store.put(shardKey(id, shard), encode({ rows }), { ifAbsent: true });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}

/** @throws NotFoundError; CorruptDataError */
export async function readShard(store: ObjectStore, id: string, shard: number): Promise<readonly ShardRow[]> {
  const key = shardKey(id, shard);
  const found = await readDocument(store, key, shardSchema);
  if (found !== null) return found.value.rows;
  throw new NotFoundError(`The shard ${JSON.stringify(key)} is gone. Embed its part again.`);
}

/** How many images the shards have. */
export function imagesIn(
  { pictures, shardSize }: { readonly pictures: number; readonly shardSize: number },
  shards: Iterable<number>,
): number {
  let sum = 0;
  for (const shard of shards) sum += Math.min(shardSize, Math.max(0, pictures - shard * shardSize));
  return sum;
}
