/** A part of an import: its images are embedded shard by shard. Done again, or twice at once, it comes to the same. */
import { embedPictures, embeddingsBySum } from '../../embedding/embed-pictures.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { InvalidInputError } from '../../errors.ts';
import { classOf } from '../../gallery/names.ts';
import type { Picture } from '../../images/dataset.ts';
import { inOrder } from '../../images/in-order.ts';
import { putEmbeddings } from '../../registry/embeddings.ts';
import { keepImages } from '../../registry/kept-images.ts';
import { networkIdOf } from '../../registry/network-id.ts';
import type { Registry } from '../../registry/registry.ts';
import type { VersionName } from '../followers.ts';
import { imageInMemory } from '../stored-image.ts';
import { readListing, requirePlan, shardsOfPart } from './plan.ts';
import type { ImportPlan } from './plan.ts';
import type { Import } from './request.ts';
import { embeddingsId, imagesIn, listShards, writeShard } from './shards.ts';
import type { ShardRow } from './shards.ts';
import { isOfRegistry, readFrom } from './source.ts';
import type { Read, Source } from './source.ts';

export interface PartOptions {
  /** The version's embedder; asked for when there is something to embed, and disposed of. */
  readonly open: (version: VersionName) => Promise<Embedder>;
  /** Whether the import still needs its parts; asked before each shard. Throws CancelledError when nobody wants it any more. */
  readonly isOpen: () => Promise<boolean>;
  readonly signal?: AbortSignal | undefined;
  /** How many of the part's images are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What there was to do for a part. */
export interface PartDone {
  readonly pictures: number;
  /** Of them, how many were embedded now. */
  readonly embedded: number;
}

/** Images that are read, then embedded; fewer where their bytes would be more. */
const BLOCK = 32;
const BLOCK_BYTES = 64 * 1024 * 1024;
const READS_AT_ONCE = 8;

/**
 * Embeds what is missing of a part, 0 to before the import's number of parts. Images that cannot be used are noted with their reasons.
 * @throws InvalidInputError when there is no such part, or the import is not planned yet; NotFoundError when the version is gone;
 * CancelledError when it was stopped; what `isOpen` throws
 */
export async function embedPart(
  registry: Registry,
  work: Import,
  part: number,
  source: Source,
  { open, isOpen, signal, onProgress }: PartOptions,
): Promise<PartDone> {
  const plan = await requirePlan(registry.store, work.id);
  const { parts } = work.request;
  if (!Number.isSafeInteger(part) || part < 0 || part >= parts) {
    throw new InvalidInputError(
      `The import ${work.id} has the parts 0 to ${parts - 1}; there is no ${part}.`,
    );
  }
  if (!(await isOpen())) return { pictures: 0, embedded: 0 };
  const { from, to } = shardsOfPart(plan, parts, part);
  const there = await listShards(registry.store, work.id);
  const own = Array.from({ length: to - from }, (_, i) => from + i);
  const missing = own.filter((shard) => !there.has(shard));
  const pictures = imagesIn(plan, own);
  if (missing.length === 0) return { pictures, embedded: 0 };
  await requireNetwork(registry, work, plan);
  const embedder = await open(work.request);
  const before = pictures - imagesIn(plan, missing);
  let embedded = 0;
  try {
    for (const shard of missing) {
      if (!(await isOpen())) break;
      const tell = (now: number): void => onProgress?.(before + embedded + now, pictures);
      embedded += await embedShard(registry, work, plan, shard, source, { embedder, signal, tell });
    }
  } finally {
    embedder.dispose();
  }
  return { pictures, embedded };
}

/** Fails only for a registry that was put together by hand: a version's number is never used again. */
async function requireNetwork(
  registry: Registry,
  { request: { model, version } }: Import,
  { binding }: ImportPlan,
): Promise<void> {
  const network = networkIdOf((await registry.manifest(model, version)).files);
  if (binding.embedder?.version === network) return;
  throw new InvalidInputError(
    `The import was planned for another network than ${model}@${version} has now. Start it again.`,
  );
}

interface ShardOptions {
  readonly embedder: Embedder;
  readonly signal: AbortSignal | undefined;
  readonly tell: (done: number) => void;
}

/** First the embeddings, then the images' bytes, then the result: one that is written has everything that it is about. */
async function embedShard(
  registry: Registry,
  { id, request: { model } }: Import,
  plan: ImportPlan,
  shard: number,
  source: Source,
  { embedder, signal, tell }: ShardOptions,
): Promise<number> {
  const { store } = registry;
  const paths = await readListing(store, id, plan, shard);
  const embeddings = new Map<string, Float32Array>();
  const rows: ShardRow[] = [];
  for await (const block of blocksOf(source, paths)) {
    const images = block.flatMap(({ path, stored }) =>
      stored === undefined ? [] : [imageInMemory(path, classOf(path), stored)],
    );
    const embedded = await embedPictures(embedder, images, {
      signal,
      onProgress: (done) => tell(rows.length + done),
    });
    for (const [sum, embedding] of embeddingsBySum(embedded, embedder.dimensions))
      embeddings.set(sum, embedding);
    if (!isOfRegistry(source, store)) await keepImages(store, embedded.pictures);
    rows.push(...rowsOf(block, embedded.pictures, embedded.rejected));
  }
  await putEmbeddings(store, model, plan.binding, embeddings, embeddingsId(id, shard));
  await writeShard(store, id, shard, rows);
  return paths.length;
}

async function* blocksOf(source: Source, paths: readonly string[]): AsyncGenerator<Read[]> {
  let block: Read[] = [];
  let bytes = 0;
  for await (const read of inOrder(paths, READS_AT_ONCE, (path) => readFrom(source, path))) {
    block.push(read);
    bytes += read.stored?.bytes.length ?? 0;
    if (block.length < BLOCK && bytes < BLOCK_BYTES) continue;
    yield block;
    [block, bytes] = [[], 0];
  }
  if (block.length > 0) yield block;
}

function rowsOf(
  block: readonly Read[],
  usable: readonly Picture[],
  rejected: readonly { readonly picture: Picture; readonly reason: string }[],
): ShardRow[] {
  const sums = new Map(usable.map(({ key, sha256 }) => [key, sha256]));
  const reasons = new Map(rejected.map(({ picture, reason }) => [picture.key, reason]));
  return block.map(({ path, reason }) => {
    const sha256 = sums.get(path);
    if (sha256 !== undefined) return { path, sha256 };
    return { path, reason: reason ?? reasons.get(path) ?? 'it cannot be read' };
  });
}
