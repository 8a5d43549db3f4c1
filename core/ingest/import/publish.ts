/**
 * The images of an import become one change of the gallery, so that no reader sees a part of it.
 *
 * The change's id, and the changes that it was decided after, are stored by conditional create before the change is written. Every process that
 * publishes, at the same time or after one that was killed, therefore makes the same change under the same name, and one of them writes it.
 */
import { z } from 'zod';
import { CancelledError, ConflictError } from '../../errors.ts';
import type { GalleryContents } from '../../gallery/contents.ts';
import { createChange, idAfter } from '../../gallery/facts.ts';
import type { Added } from '../../gallery/facts.ts';
import { classOf, fileOf } from '../../gallery/names.ts';
import { addImages } from '../../gallery/operations.ts';
import { inOrder } from '../../images/in-order.ts';
import { createOnce, readDocument } from '../../registry/documents.ts';
import { idsInside, listLogFiles, putChange } from '../../registry/gallery-log.ts';
import { jobPrefix } from '../../registry/layout.ts';
import type { Registry } from '../../registry/registry.ts';
import { readVersionGallery } from '../../registry/version-gallery.ts';
import type { ObjectStore } from '../../storage/store.ts';
import { requirePlan } from './plan.ts';
import type { ImportPlan } from './plan.ts';
import { KEPT_REASONS } from './request.ts';
import type { Import, ImportResult, LeftOut } from './request.ts';
import { imagesIn, listShards, readShard } from './shards.ts';
import { isOfRegistry } from './source.ts';
import type { Source } from './source.ts';

const READS_AT_ONCE = 8;

const publicationSchema = z.strictObject({
  change: z.string(),
  at: z.iso.datetime(),
  /** The changes that the gallery had then. */
  after: z.array(z.string()),
});
type Publication = z.infer<typeof publicationSchema>;
const publicationKey = (id: string): string => `${jobPrefix(id)}publication.json`;

type Image = Omit<Added, 'op'>;

/**
 * Adds everything to the model's gallery, once however often it is done. Images that their class has already are not added again, nor those that
 * a user labelled or rejected.
 * @throws ConflictError while shards are missing; NotFoundError when the version is gone; CorruptDataError; CancelledError
 */
export async function publishImport(
  registry: Registry,
  work: Import,
  source: Source,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ImportResult> {
  const { store } = registry;
  const { id, request } = work;
  const { model, version } = request;
  const plan = await requirePlan(store, id);
  await requireShards(store, id, plan);
  const { contents } = await readVersionGallery(registry, { model, version });
  const log = contents.changes;
  const publication = await createOnce<Publication>(
    store,
    publicationKey(id),
    {
      change: idAfter(log.at(-1)?.id ?? null),
      at: new Date().toISOString(),
      after: log.map((change) => change.id),
    },
    publicationSchema,
  );
  const known = new Set(publication.after);
  // As it was when that was decided: changes are never written anew, so it can always be read again.
  const then = contents.follow(log.filter((change) => known.has(change.id)));
  const { images, left } = await readAll(registry, work, plan, source, signal);
  const distinct = distinctImages(then, images);
  const { fresh, there } = addImages(then, distinct, true);
  if (fresh.length > 0) {
    const { change: changeId, at, after } = publication;
    const facts = fresh.map(({ fact }) => fact);
    const by = `import ${id}`;
    const change = createChange({ id: changeId, after: after.at(-1) ?? null, at, by, facts });
    // The last moment: from here on the change is there as a whole.
    checkWanted(signal);
    await putChange(store, model, change).catch((error: unknown) => {
      if (!(error instanceof ConflictError)) throw error; // another process has written it
    });
  }
  return {
    model,
    version,
    segment: fresh.length > 0 ? publication.change : null,
    added: fresh.length,
    unchanged: there.length,
    duplicates: images.length - distinct.length,
    left: {
      count: plan.left.count + left.length,
      first: [...plan.left.first, ...left].slice(0, KEPT_REASONS),
    },
  };
}

/** Whether the gallery has the import's images, whether or not the job says so. */
export async function isPublished(store: ObjectStore, { id, request: { model } }: Import): Promise<boolean> {
  const change = (await readDocument(store, publicationKey(id), publicationSchema))?.value.change;
  if (change === undefined) return false;
  const { loose, compacted } = await listLogFiles(store, model);
  if (loose.includes(change)) return true;
  for (const file of compacted) if ((await idsInside(store, model, file)).includes(change)) return true;
  return false;
}

async function requireShards(store: ObjectStore, id: string, plan: ImportPlan): Promise<void> {
  const there = await listShards(store, id);
  if (there.size >= plan.shards) return;
  throw new ConflictError(
    `Of the import ${id} ${imagesIn(plan, there)} of ${plan.pictures} images are embedded. Embed the other parts first; ` +
      `"kindred gallery import --resume ${id}" does what is missing.`,
  );
}

async function readAll(
  { store }: Registry,
  { id }: Import,
  plan: ImportPlan,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<{ readonly images: readonly Image[]; readonly left: readonly LeftOut[] }> {
  const images: Image[] = [];
  const left: LeftOut[] = [];
  const numbers = Array.from({ length: plan.shards }, (_, shard) => shard);
  for await (const rows of inOrder(numbers, READS_AT_ONCE, (shard) => readShard(store, id, shard))) {
    checkWanted(signal);
    for (const row of rows) {
      const { path } = row;
      if ('reason' in row) left.push({ key: path, reason: row.reason });
      else
        images.push({ class: classOf(path), file: fileOf(path), sha256: row.sha256, source: pointer(path) });
    }
  }
  return { images, left };

  /** An image of the registry's own datasets stays where it is; others were kept when they were embedded. */
  function pointer(path: string): string | null {
    return isOfRegistry(source, store) ? `${source.prefix}${path}` : null;
  }
}

/** Each image once for each class. */
function distinctImages(contents: GalleryContents, images: readonly Image[]): Image[] {
  const distinct = new Map<string, Image>();
  for (const image of images) {
    const identity = `${image.sha256} ${contents.spelled(image.class)}`;
    if (!distinct.has(identity)) distinct.set(identity, image);
  }
  return [...distinct.values()];
}

function checkWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError('Stopped before the images were added to the gallery.');
}
