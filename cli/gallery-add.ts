import { embedPictures } from '../core/embedding/embed-pictures.ts';
import type { Gallery } from '../core/gallery/gallery.ts';
import { classOf } from '../core/gallery/names.ts';
import { addPictures } from '../core/gallery/operations.ts';
import { placePictures } from '../core/gallery/placing.ts';
import type { Picture } from '../core/images/dataset.ts';
import { boundTo } from '../core/registry/bound-embeddings.ts';
import { readGalleryLog } from '../core/registry/gallery-log.ts';
import type { OpenedGallery } from '../core/registry/open-version.ts';
import type { Context } from './context.ts';
import type { CommonFlags } from './flags.ts';
import { storeChange } from './gallery.ts';
import { counted } from './output/format.ts';
import { progressOn } from './output/progress.ts';
import { loadVersion } from './version.ts';

/** Pictures to add, and those that cannot be read. `image` is what people named them. */
export interface ToAdd {
  readonly pictures: readonly {
    readonly image: string;
    readonly picture: Picture;
    /** Its key, where a data set of the registry has it. */
    readonly source?: string;
  }[];
  readonly failed: readonly { readonly image: string; readonly error: string }[];
  /** Checksums of pictures that stay under the class that they have in the gallery. @default none */
  readonly said?: ReadonlySet<string>;
}

export interface AddFlags extends CommonFlags {
  readonly keepPictures: boolean;
}

/**
 * Embeds the pictures with the version itself, keeps them for versions to come, stores the embeddings beside the gallery, and tells what came
 * of it.
 */
export async function addAndTell(
  context: Context,
  { model: reference, keepPictures }: AddFlags,
  find: (loaded: OpenedGallery) => Promise<ToAdd>,
): Promise<void> {
  const { terminal } = context;
  const loaded = await loadVersion(context, reference);
  const { pictures, failed, said } = await find(loaded);
  const { fresh, there } = placed(loaded.gallery, pictures, said);
  if (keepPictures && there.length > 0) await keepLate(context, loaded, there);
  const progress = progressOn(terminal, 'pictures');
  const embedded = await embedPictures(loaded.embedder, fresh, { onProgress: progress.update });
  progress.end();
  const segment =
    embedded.pictures.length === 0 ? null : addPictures(loaded.gallery, boundTo(loaded, embedded));
  const sources = new Map(pictures.map(({ picture, source }) => [picture.sha256, source]));
  const change = await storeChange(context, loaded, segment, {
    pictures: embedded.pictures,
    kept: keepPictures
      ? embedded.pictures.map((picture) => ({ ...picture, source: sources.get(picture.sha256) }))
      : [],
  });
  const errors = [
    ...failed,
    ...embedded.rejected.map(({ picture, reason }) => ({ image: imageOf(pictures, picture), error: reason })),
  ];
  for (const { image, error } of errors) terminal.note(`${JSON.stringify(image)}: ${error}`);
  const keys = embedded.pictures.map(({ key }) => key);
  terminal.json({ ...change, unchanged: there.length, keys, errors });
  const rest = there.length === 0 ? '' : `, ${there.length} there already`;
  terminal.print(`${counted(keys.length, 'picture')} added to ${change.model}@${change.version}${rest}.`);
  if (errors.length > 0) process.exitCode = 1;
}

/** Pictures that were added before, perhaps without being kept. */
async function keepLate(
  context: Context,
  { model, version }: OpenedGallery,
  there: ToAdd['pictures'],
): Promise<void> {
  const registry = await context.registry();
  const { segments } = await readGalleryLog(registry, { model, version });
  const added = new Set(
    segments.flatMap(({ entries }) => entries.flatMap((entry) => (entry.op === 'add' ? [entry.sha256] : []))),
  );
  const kept = there.flatMap(({ picture, source }) =>
    added.has(picture.sha256) ? [{ ...picture, source }] : [],
  );
  await registry.keepPictures(model, kept, () => Promise.resolve());
}

function placed(
  gallery: Gallery,
  wanted: ToAdd['pictures'],
  said: ToAdd['said'],
): { fresh: Picture[]; there: ToAdd['pictures'] } {
  const { fresh, there, twice } = placePictures(
    gallery,
    wanted.map((each) => ({ ...each.picture, each })),
    said,
  );
  return {
    fresh: fresh.map(({ picture, key }) => ({ ...picture.each.picture, key, className: classOf(key) })),
    there: [...there, ...twice].map(({ each }) => each),
  };
}

function imageOf(pictures: ToAdd['pictures'], { sha256 }: Picture): string {
  return pictures.find(({ picture }) => picture.sha256 === sha256)?.image ?? '';
}
