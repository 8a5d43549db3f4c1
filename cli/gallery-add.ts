import { embedPictures } from '../core/embedding/embed-pictures.ts';
import type { Gallery } from '../core/gallery/gallery.ts';
import { fileOf, keyOfPicture } from '../core/gallery/names.ts';
import { addPictures } from '../core/gallery/operations.ts';
import type { Picture } from '../core/images/dataset.ts';
import type { Context } from './context.ts';
import { storeChange } from './gallery.ts';
import { counted } from './output/format.ts';
import { progressOn } from './output/progress.ts';
import { loadVersion } from './version.ts';

/** Pictures to add, and those that cannot be read. `image` is what people named them. */
export interface ToAdd {
  readonly pictures: readonly { readonly image: string; readonly picture: Picture }[];
  readonly failed: readonly { readonly image: string; readonly error: string }[];
}

/** Embeds the pictures with the version itself, stores them beside its gallery, and tells what came of it. */
export async function addAndTell(
  context: Context,
  reference: string | undefined,
  find: () => Promise<ToAdd>,
): Promise<void> {
  const { terminal } = context;
  const loaded = await loadVersion(context, reference);
  const { pictures, failed } = await find();
  const { fresh, there } = placed(loaded.gallery, pictures);
  const progress = progressOn(terminal, 'pictures');
  const embedded = await embedPictures(loaded.embedder, fresh, { onProgress: progress.update });
  progress.end();
  const { dimensions } = loaded.embedder;
  const additions = embedded.pictures.map(({ key, className, sha256 }, row) => {
    const embedding = embedded.embeddings.slice(row * dimensions, (row + 1) * dimensions);
    return { key, class: className, sha256, embedding };
  });
  const segment = additions.length === 0 ? null : addPictures(loaded.gallery, additions);
  const change = await storeChange(context, loaded, segment);
  const errors = [
    ...failed,
    ...embedded.rejected.map(({ picture, reason }) => ({ image: imageOf(pictures, picture), error: reason })),
  ];
  for (const { image, error } of errors) terminal.note(`${JSON.stringify(image)}: ${error}`);
  const keys = additions.map(({ key }) => key);
  terminal.json({ ...change, unchanged: there, keys, errors });
  const rest = there === 0 ? '' : `, ${there} there already`;
  terminal.print(`${counted(keys.length, 'picture')} added to ${change.model}@${change.version}${rest}.`);
  if (errors.length > 0) process.exitCode = 1;
}

/** Keys of their own for pictures whose name is taken; the same picture under the same class is not added again. */
function placed(gallery: Gallery, wanted: ToAdd['pictures']): { fresh: Picture[]; there: number } {
  const taken = new Map(gallery.keys.map((key, row) => [key, gallery.sha256[row]]));
  const known = new Set(gallery.keys.map((_, row) => `${gallery.sha256[row]} ${gallery.classes[row]}`));
  const fresh: Picture[] = [];
  for (const { picture } of wanted) {
    const identity = `${picture.sha256} ${picture.className}`;
    if (known.has(identity)) continue;
    const wantedKey = `${picture.className}/${fileOf(picture.key)}`;
    const key = keyOfPicture(wantedKey, picture.sha256, (one) => taken.get(one));
    taken.set(key, picture.sha256);
    known.add(identity);
    fresh.push({ ...picture, key });
  }
  return { fresh, there: wanted.length - fresh.length };
}

function imageOf(pictures: ToAdd['pictures'], { sha256 }: Picture): string {
  return pictures.find(({ picture }) => picture.sha256 === sha256)?.image ?? '';
}
