/**
 * What an import embeds, decided once: the dataset is listed and cut into shards of bounded size, and the listing is stored, so that all parts
 * see the same one, whatever happens to the dataset meanwhile.
 */
import { ulid } from 'ulid';
import { z } from 'zod';
import { CancelledError, InvalidInputError, NotFoundError } from '../../errors.ts';
import { readGallery } from '../../gallery/arrow.ts';
import { GALLERY_DISTANCES } from '../../gallery/gallery.ts';
import { compare } from '../../images/dataset.ts';
import { inOrder } from '../../images/in-order.ts';
import { resolveLimits } from '../../images/limits.ts';
import { listDataSet } from '../../images/list-dataset.ts';
import { checkByteCount } from '../../images/probe.ts';
import { createOnce, encode, readDocument } from '../../registry/documents.ts';
import { jobPrefix } from '../../registry/layout.ts';
import type { Registry } from '../../registry/registry.ts';
import { requireOneSpelling } from '../../spelling.ts';
import type { ObjectStore } from '../../storage/store.ts';
import { KEPT_REASONS, leftOutCountSchema } from './request.ts';
import type { Import, LeftOut } from './request.ts';
import { numbered } from './shards.ts';
import type { Source } from './source.ts';

/** Images in a shard at most: what is embedded again when a part is killed. */
const SHARD = 512;
const WRITES_AT_ONCE = 16;

const planSchema = z.strictObject({
  at: z.iso.datetime(),
  /** Whose listing it is: of several processes that plan at once, the first one's. */
  listing: z.string(),
  pictures: z.int().min(1),
  /** Images in each shard; the last one has the rest. */
  shardSize: z.int().min(1),
  shards: z.int().min(1),
  /** The network that embeds. */
  binding: z.strictObject({
    dimensions: z.int().min(1),
    distance: z.enum(GALLERY_DISTANCES),
    embedder: z.strictObject({ model: z.string(), version: z.string() }).nullable(),
  }),
  /** Files that cannot be used, by their name or their size. */
  left: leftOutCountSchema,
});
export type ImportPlan = Readonly<z.infer<typeof planSchema>>;

const listingSchema = z.strictObject({ paths: z.array(z.string()).max(SHARD) });

const planKey = (id: string): string => `${jobPrefix(id)}plan.json`;
export const listingsPrefix = (id: string): string => `${jobPrefix(id)}listing/`;
const listingPrefix = (id: string, listing: string): string => `${listingsPrefix(id)}${listing}/`;
const listingKey = (id: string, listing: string, shard: number): string =>
  `${listingPrefix(id, listing)}${numbered(shard)}.json`;

/** Null when there is none yet. */
export async function readPlan(store: ObjectStore, id: string): Promise<ImportPlan | null> {
  return (await readDocument(store, planKey(id), planSchema))?.value ?? null;
}

/** @throws InvalidInputError when there is none yet */
export async function requirePlan(store: ObjectStore, id: string): Promise<ImportPlan> {
  const plan = await readPlan(store, id);
  if (plan !== null) return plan;
  throw new InvalidInputError(
    `The import ${id} is not planned yet. Run "kindred gallery import --resume ${id} --step plan" first.`,
  );
}

/** `<class>/<file>` of each image of the shard. @throws NotFoundError when it is gone: the import has ended */
export async function readListing(
  store: ObjectStore,
  id: string,
  { listing }: ImportPlan,
  shard: number,
): Promise<readonly string[]> {
  const key = listingKey(id, listing, shard);
  const found = await readDocument(store, key, listingSchema);
  if (found !== null) return found.value.paths;
  throw new NotFoundError(`The listing ${JSON.stringify(key)} is gone. Start the import again.`);
}

export interface PlanOptions {
  readonly signal?: AbortSignal | undefined;
  /** Images in a shard at most. @default 512 */
  readonly atMost?: number;
}

/**
 * The import's plan, made now unless there is one. Killed in between, nothing of it counts; of several that plan at once, the first counts.
 * @throws NotFoundError when the version is gone; InvalidInputError when there is no image; CancelledError
 */
export async function planImport(
  registry: Registry,
  { id, request }: Import,
  source: Source,
  { signal, atMost = SHARD }: PlanOptions = {},
): Promise<ImportPlan> {
  const { store } = registry;
  const known = await readPlan(store, id);
  if (known !== null) return known;
  const binding = await bindingOf(registry, request);
  const { paths, left } = await listed(source, request.dataSet);
  const shardSize = Math.min(atMost, SHARD, Math.ceil(paths.length / request.parts));
  const shards = Math.ceil(paths.length / shardSize);
  const listing = ulid();
  const numbers = Array.from({ length: shards }, (_, shard) => shard);
  const written = inOrder(numbers, WRITES_AT_ONCE, async (shard) => {
    if (signal?.aborted) throw new CancelledError('Stopped while the dataset was being listed.');
    const own = paths.slice(shard * shardSize, (shard + 1) * shardSize);
    await store.put(listingKey(id, listing, shard), encode({ paths: own }));
  });
  for await (const _ of written);
  const counted = { count: left.length, first: left.slice(0, KEPT_REASONS) };
  const at = new Date().toISOString();
  const plan = { at, listing, pictures: paths.length, shardSize, shards, binding, left: counted };
  const first = await createOnce<ImportPlan>(store, planKey(id), plan, planSchema);
  if (first === plan) return plan;
  for await (const { key } of store.list(listingPrefix(id, listing))) await store.delete(key);
  return first;
}

/** The shards of a part: the first one, and the one before which it ends. */
export function shardsOfPart(
  { shards }: ImportPlan,
  parts: number,
  part: number,
): { readonly from: number; readonly to: number } {
  const bound = (of: number): number => Math.floor((of * shards) / parts);
  return { from: bound(part), to: bound(part + 1) };
}

async function bindingOf(
  registry: Registry,
  { model, version }: Import['request'],
): Promise<ImportPlan['binding']> {
  const gallery = readGallery(await registry.file(model, version, 'gallery.arrow'));
  const { dimensions, distance, embedder } = gallery;
  return { dimensions, distance, embedder: embedder && { ...embedder } };
}

/** In the order of a dataset: by class, then by file. */
async function listed(
  { store, prefix }: Source,
  name: string,
): Promise<{ readonly paths: string[]; readonly left: LeftOut[] }> {
  const { files, problems } = await listDataSet(store, prefix);
  requireOneSpelling(new Set(files.map(({ className }) => className)), `The dataset ${JSON.stringify(name)}`);
  const left: LeftOut[] = problems.map(({ key, reason }) => ({ key, reason }));
  const limits = resolveLimits();
  const usable = files.filter(({ path, size }) => {
    try {
      checkByteCount(size, limits);
      return true;
    } catch (error) {
      left.push({ key: path, reason: (error as Error).message });
      return false;
    }
  });
  if (usable.length === 0) {
    const [first] = left;
    const hint =
      first === undefined ? '' : ` The first problem: ${JSON.stringify(first.key)}, ${first.reason}.`;
    throw new InvalidInputError(
      `The dataset ${JSON.stringify(name)} has no image to import and ${left.length} problem(s). ` +
        `The layout is one folder a class with its images in it: <class>/<file>.${hint}`,
    );
  }
  const sorted = usable.toSorted((a, b) => compare(a.className, b.className) || compare(a.path, b.path));
  return {
    paths: sorted.map(({ path }) => path),
    left: left.toSorted((a, b) => compare(a.key, b.key)),
  };
}
