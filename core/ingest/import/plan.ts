/**
 * What an import embeds, decided once: the data set is listed, cut into pieces of bounded size, and the listing kept, so that all parts see
 * the same one, whatever happens to the data set meanwhile.
 */
import { ulid } from 'ulid';
import { z } from 'zod';
import { CancelledError, InvalidInputError, NotFoundError } from '../../errors.ts';
import { readGallery } from '../../gallery/arrow.ts';
import { GALLERY_DISTANCES } from '../../gallery/gallery.ts';
import type { Binding } from '../../gallery/gallery.ts';
import { compare } from '../../images/dataset.ts';
import { inOrder } from '../../images/in-order.ts';
import { resolveLimits } from '../../images/limits.ts';
import { listDataSet } from '../../images/list-dataset.ts';
import { requireOneSpelling } from '../../spelling.ts';
import { checkByteCount } from '../../images/probe.ts';
import { encode, readDocument } from '../../registry/documents.ts';
import type { Registry } from '../../registry/registry.ts';
import type { ObjectStore } from '../../storage/store.ts';
import { now } from '../../jobs/job.ts';
import type { ImportJob } from '../../jobs/job.ts';
import { firstOf } from './first.ts';
import { listingKey, listingPrefix, planKey } from './keys.ts';
import { KEPT_REASONS, leftOutCountSchema } from './request.ts';
import type { LeftOut } from './request.ts';
import type { Source } from './source.ts';

/** Pictures in a piece at most: what is embedded again when a part is killed, and a megabyte of embeddings. */
const PIECE = 512;
const WRITES_AT_ONCE = 16;

const planSchema = z.strictObject({
  at: z.iso.datetime(),
  /** Whose listing it is: of several that plan at once, the first one's. */
  listing: z.string(),
  pictures: z.int().min(1),
  /** Pictures in each piece; the last one has what is left. */
  pieceSize: z.int().min(1),
  pieces: z.int().min(1),
  /** What the embeddings have to be like to join the gallery. */
  binding: z.strictObject({
    dimensions: z.int().min(1),
    distance: z.enum(GALLERY_DISTANCES),
    embedder: z.strictObject({ model: z.string(), version: z.string() }).nullable(),
  }),
  /** What lies there and cannot be used, by its name or its size. */
  left: leftOutCountSchema,
});
export type ImportPlan = Readonly<z.infer<typeof planSchema>>;

const listingSchema = z.strictObject({ paths: z.array(z.string()).max(PIECE) });

/** Null when there is none yet. */
export async function readPlan(store: ObjectStore, job: string): Promise<ImportPlan | null> {
  return (await readDocument(store, planKey(job), planSchema))?.value ?? null;
}

/** `<class>/<file>` of each picture of the piece. @throws NotFoundError when it is gone: the import is done, or was cleared away */
export async function readListing(
  store: ObjectStore,
  job: string,
  { listing }: ImportPlan,
  piece: number,
): Promise<readonly string[]> {
  const key = listingKey(job, listing, piece);
  const found = await readDocument(store, key, listingSchema);
  if (found !== null) return found.value.paths;
  throw new NotFoundError(`The listing ${JSON.stringify(key)} is gone. Start the import again.`);
}

export interface PlanOptions {
  readonly signal?: AbortSignal | undefined;
  /** Pictures in a piece at most. @default 512 */
  readonly atMost?: number;
}

/**
 * The job's plan, made now unless there is one. Killed in between, nothing of it counts; of several who plan at once, one is first.
 * @throws NotFoundError when the version is gone; InvalidInputError when there is no picture; CancelledError
 */
export async function planImport(
  registry: Registry,
  { id, request }: ImportJob,
  source: Source,
  { signal, atMost = PIECE }: PlanOptions = {},
): Promise<ImportPlan> {
  const { store } = registry;
  const known = await readPlan(store, id);
  if (known !== null) return known;
  const binding = await bindingOf(registry, request);
  const { paths, left } = await listed(source, request.dataSet);
  const pieceSize = Math.min(atMost, PIECE, Math.ceil(paths.length / request.parts));
  const pieces = Math.ceil(paths.length / pieceSize);
  const listing = ulid();
  const numbers = Array.from({ length: pieces }, (_, piece) => piece);
  const written = inOrder(numbers, WRITES_AT_ONCE, async (piece) => {
    if (signal?.aborted) throw new CancelledError('Stopped while the data set was being listed.');
    const own = paths.slice(piece * pieceSize, (piece + 1) * pieceSize);
    await store.put(listingKey(id, listing, piece), encode({ paths: own }));
  });
  for await (const _ of written);
  const counted = { count: left.length, first: left.slice(0, KEPT_REASONS) };
  const plan = { at: now(), listing, pictures: paths.length, pieceSize, pieces, binding, left: counted };
  const first = await firstOf<ImportPlan>(store, planKey(id), plan, () => readPlan(store, id));
  if (first === plan) return plan;
  for await (const { key } of store.list(listingPrefix(id, listing))) await store.delete(key);
  return first;
}

/** The pieces of a part: which one is the first, and before which one it ends. */
export function piecesOfPart(
  { pieces }: ImportPlan,
  parts: number,
  part: number,
): { readonly from: number; readonly to: number } {
  const bound = (of: number): number => Math.floor((of * pieces) / parts);
  return { from: bound(part), to: bound(part + 1) };
}

async function bindingOf(
  registry: Registry,
  { model, version }: ImportJob['request'],
): Promise<ImportPlan['binding']> {
  const { dimensions, distance, embedder }: Binding = readGallery(
    await registry.file(model, version, 'gallery.arrow'),
  );
  return { dimensions, distance, embedder: embedder && { ...embedder } };
}

/** In the order of a data set: by class, then by file. */
async function listed(
  { store, prefix }: Source,
  name: string,
): Promise<{ readonly paths: string[]; readonly left: LeftOut[] }> {
  const { files, problems } = await listDataSet(store, prefix);
  requireOneSpelling(
    new Set(files.map(({ className }) => className)),
    `The data set ${JSON.stringify(name)}`,
  );
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
      `The data set ${JSON.stringify(name)} has no picture to import and ${left.length} problem(s). ` +
        `The layout is one folder a class with its pictures in it: <class>/<file>.${hint}`,
    );
  }
  const sorted = usable.toSorted((a, b) => compare(a.className, b.className) || compare(a.path, b.path));
  return {
    paths: sorted.map(({ path }) => path),
    left: left.toSorted((a, b) => compare(a.key, b.key)),
  };
}
