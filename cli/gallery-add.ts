import { embedPictures, embeddingsBySum } from '../core/embedding/embed-pictures.ts';
import type { EmbeddedPictures } from '../core/embedding/embed-pictures.ts';
import type { Fact } from '../core/gallery/facts.ts';
import { fileOf } from '../core/gallery/names.ts';
import { addImages } from '../core/gallery/operations.ts';
import type { Picture } from '../core/images/dataset.ts';
import { putEmbeddings } from '../core/registry/embeddings.ts';
import { isStored, keepImages } from '../core/registry/kept-images.ts';
import { openEmbedder } from '../core/registry/open-version.ts';
import type { OpenedNames } from '../core/registry/open-version.ts';
import { followVersionGallery } from '../core/registry/version-gallery.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { recordFacts } from './gallery.ts';
import { counted } from './output/format.ts';
import { progressOn } from './output/progress.ts';
import { openNames } from './version.ts';

/** Images to add, and those that cannot be read. `image` is what people named them. */
export interface ToAdd {
  readonly pictures: readonly {
    readonly image: string;
    readonly picture: Picture;
    /** Its key, where a dataset of the registry has it. */
    readonly source?: string;
  }[];
  readonly failed: readonly { readonly image: string; readonly error: string }[];
}

/** Adds images to the gallery, each in its class, and prints what was done. @param fromDataset as of `addImages` */
export async function addAndTell(
  context: Context,
  { model: reference }: CommonFlags,
  find: () => Promise<ToAdd>,
  fromDataset = false,
): Promise<void> {
  const { terminal } = context;
  const opened = await openNames(context, reference);
  const { pictures, failed } = await find();
  const wanted = pictures.map(({ picture, source = null }) => ({
    class: picture.className,
    sha256: picture.sha256,
    file: fileOf(picture.key),
    source,
    picture,
  }));
  const { fresh, there: known } = addImages(opened.contents, wanted, fromDataset);
  const unstored = await notStored(context, opened, known);
  const toEmbed = [...fresh.map(({ image }) => image), ...unstored];
  const embedded = await embedAndKeep(
    context,
    opened,
    toEmbed.map(({ picture }) => picture),
    toEmbed.flatMap(({ source, picture }) => (source === null ? [picture] : [])),
  );
  const rejected = new Set(embedded.rejected.map(({ picture }) => picture.sha256));
  const now = await followed(context, opened);
  const readable = wanted.filter(({ sha256 }) => !rejected.has(sha256));
  const { fresh: added, there } = addImages(now.contents, readable, fromDataset);
  const { change, contents } = await recordFacts(
    context,
    now,
    added.map(({ fact }) => fact),
  );
  const errors = [...failed, ...errorsOf(pictures, embedded)];
  for (const { image, error } of errors) terminal.note(`${JSON.stringify(image)}: ${error}`);
  const names = new Set(added.map(({ fact }) => `${fact.sha256} ${fact.class}`));
  const keys = contents.images.flatMap((image) =>
    names.has(`${image.sha256} ${image.class}`) ? [image.key] : [],
  );
  terminal.json({ ...change, unchanged: there.length, keys, errors });
  const rest = there.length === 0 ? '' : `, ${there.length} already there`;
  terminal.print(`${counted(keys.length, 'image')} added to ${change.model}@${change.version}${rest}.`);
  if (errors.length > 0) process.exitCode = 1;
}

/** Images that the gallery has, but whose bytes are nowhere any more. */
async function notStored<I extends { readonly sha256: string }>(
  context: Context,
  { contents }: OpenedNames,
  images: readonly I[],
): Promise<I[]> {
  const { store } = await context.registry();
  const rows = new Map(contents.images.map((image) => [image.sha256, image]));
  const found: I[] = [];
  for (const image of images) {
    const row = rows.get(image.sha256);
    if (row !== undefined && !(await isStored(store, row))) found.push(image);
  }
  return found;
}

/** Records that images are of none of the classes, and prints what was done. */
export async function rejectAndTell(
  context: Context,
  { model: reference }: CommonFlags,
  { pictures, failed }: ToAdd,
): Promise<void> {
  const { terminal } = context;
  const opened = await openNames(context, reference);
  const images = pictures.map(({ picture }) => picture);
  const embedded = await embedAndKeep(context, opened, images, images);
  const now = await followed(context, opened);
  const before = new Set(now.contents.rejected.map(({ sha256 }) => sha256));
  const rejected = [...new Map(embedded.pictures.map((picture) => [picture.sha256, picture])).values()];
  const facts = rejected.flatMap(({ sha256, key }): Fact[] =>
    before.has(sha256) ? [] : [{ op: 'reject', sha256, file: fileOf(key), source: null }],
  );
  const { change } = await recordFacts(context, now, facts);
  const errors = [...failed, ...errorsOf(pictures, embedded)];
  for (const { image, error } of errors) terminal.note(`${JSON.stringify(image)}: ${error}`);
  const unchanged = rejected.length - facts.length;
  terminal.json({ ...change, rejected: facts.length, unchanged, errors });
  const taken = change.removed === 0 ? '' : `; ${counted(change.removed, 'image')} removed from the gallery`;
  const rest = unchanged === 0 ? '' : `, ${unchanged} already rejected`;
  terminal.print(
    `${counted(facts.length, 'image')} rejected in ${change.model}@${change.version}${rest}${taken}.`,
  );
  if (errors.length > 0) process.exitCode = 1;
}

/** Embeds images with the version's own network, into the cache, and keeps the bytes of `kept` that could be embedded. */
async function embedAndKeep(
  context: Context,
  { model, version, made }: OpenedNames,
  images: readonly Picture[],
  kept: readonly Picture[],
): Promise<EmbeddedPictures> {
  if (images.length === 0) return { pictures: [], embeddings: new Float32Array(0), rejected: [] };
  const registry = await context.registry();
  const embedder = await openEmbedder(registry, { model, version });
  const progress = progressOn(context.terminal, 'images');
  try {
    const embedded = await embedPictures(embedder, images, { onProgress: progress.update });
    await putEmbeddings(registry.store, model, made, embeddingsBySum(embedded, made.dimensions));
    const unreadable = new Set(embedded.rejected.map(({ picture }) => picture.sha256));
    await keepImages(
      registry.store,
      kept.filter(({ sha256 }) => !unreadable.has(sha256)),
    );
    return embedded;
  } finally {
    progress.end();
    embedder.dispose();
  }
}

/** The gallery with what was recorded meanwhile. */
async function followed(context: Context, opened: OpenedNames): Promise<OpenedNames> {
  return { ...opened, ...(await followVersionGallery(await context.registry(), opened.model, opened)) };
}

function errorsOf(pictures: ToAdd['pictures'], { rejected }: EmbeddedPictures): ToAdd['failed'] {
  const names = new Map(pictures.map(({ image, picture }) => [picture.sha256, image]));
  return rejected.map(({ picture, reason }) => ({ image: names.get(picture.sha256) ?? '', error: reason }));
}
