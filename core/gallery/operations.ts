/** What users do to a gallery, as facts. The names are checked against the gallery as it is; nothing is written here. */
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { suggest } from '../suggest.ts';
import type { GalleryContents, GalleryImage } from './contents.ts';
import type { Added, Removed, Renamed, Seen, Unreadable } from './facts.ts';
import { compareText } from './gallery.ts';
import { checkName, classOf } from './names.ts';

/**
 * Takes images out by key.
 * @throws NotFoundError naming the first key that is not there and the nearest one that is
 */
export function removeKeys({ images }: GalleryContents, keys: readonly string[]): Removed[] {
  if (keys.length === 0) throw new InvalidInputError('No key to remove was given.');
  const known = new Map(images.map((image) => [image.key, image]));
  return [...new Set(keys)].map((key) => {
    const image = known.get(key);
    if (image !== undefined) return removal(image);
    const isClass = images.some((one) => one.class === key);
    throw new NotFoundError(
      `The gallery has no image ${JSON.stringify(key)}.` +
        (isClass
          ? ' There is a class of that name; remove it with --class.'
          : suggest(key, [...known.keys()], 'image in it')),
    );
  });
}

/**
 * Takes a class out with all its images.
 * @throws NotFoundError naming the classes that are there
 */
export function removeClass(contents: GalleryContents, className: string): Removed[] {
  return imagesOf(contents, className).map(removal);
}

/**
 * Gives a class another name; every image keeps its file name.
 * @throws NotFoundError when `from` does not exist; ConflictError when `to` does: that is a merge
 */
export function renameClass(contents: GalleryContents, from: string, to: string): Renamed[] {
  const images = imagesOf(contents, from);
  checkName(to, 'class');
  const name = contents.spelled(to);
  if (contents.images.some((image) => image.class === name)) {
    throw new ConflictError(
      `The class ${JSON.stringify(to)} exists already, so ${JSON.stringify(from)} cannot take its name. To make one class of both, merge them.`,
    );
  }
  return images.map((image) => rename(image, name));
}

/**
 * Moves all images of the classes `from` into the class `into`, which may exist or be new.
 * @throws NotFoundError when a class of `from` does not exist
 */
export function mergeClasses(contents: GalleryContents, from: readonly string[], into: string): Renamed[] {
  checkName(into, 'class');
  const to = contents.spelled(into);
  const merged = [...new Set(from.map((name) => contents.spelled(name)))].filter((name) => name !== to);
  if (merged.length === 0) {
    throw new InvalidInputError(`No class to merge into ${JSON.stringify(into)} was given.`);
  }
  return merged.flatMap((name) => imagesOf(contents, name).map((image) => rename(image, to)));
}

/** Images that are to be added, sorted by what there is to do. */
export interface Additions<I> {
  /** The facts that add images, and which image each is about. */
  readonly fresh: readonly { readonly image: I; readonly fact: Added }[];
  /** Their class has them already. */
  readonly there: readonly I[];
}

/**
 * Adds images to classes; an image that its class has already, or that is given twice, is not added again.
 * @param fromDataset whether a dataset says so: then images that users labelled or rejected stay as they are
 */
export function addImages<I extends Omit<Added, 'op'>>(
  contents: GalleryContents,
  images: readonly I[],
  fromDataset = false,
): Additions<I> {
  const given = new Set<string>();
  const fresh: { image: I; fact: Added }[] = [];
  const there: I[] = [];
  for (const image of images) {
    const { sha256, file, source } = image;
    const name = contents.spelled(image.class);
    const identity = `${sha256} ${name}`;
    const isThere =
      given.has(identity) ||
      contents.classesOf(sha256).has(name) ||
      (fromDataset && contents.isDecided(sha256));
    given.add(identity);
    if (isThere) there.push(image);
    else fresh.push({ image, fact: { op: 'add', class: name, sha256, file, source } });
  }
  return { fresh, there };
}

/** What a dataset has at a path by now; null: nothing. */
export interface AtPath {
  readonly sha256: string;
  /** Whether it can be decoded. */
  readonly readable: boolean;
}

/**
 * Records what the version's dataset has under some paths.
 * @param dataset its name in the registry
 * @param now by `<class>/<file>`; other paths stay as they are
 * @returns facts about the paths that have changed since that was last recorded
 */
export function seeDataset(
  contents: GalleryContents,
  dataset: string,
  now: ReadonlyMap<string, AtPath | null>,
): (Seen | Unreadable)[] {
  const changed = [...now].filter(([path, at]) => contents.at(path) !== (at?.sha256 ?? null));
  const gained = new Set(
    changed.flatMap(([path, at]) => (at === null ? [] : [`${classOf(path)}/${at.sha256}`])),
  );
  const going = new Set(changed.map(([path]) => path));
  return changed.map(([path, at]) => {
    const was = contents.at(path);
    const stays = contents
      .pathsOf(was ?? '')
      .some((other) => !going.has(other) && classOf(other) === classOf(path));
    return {
      op: at === null || at.readable ? 'seen' : 'unreadable',
      path: `datasets/${dataset}/${path}`,
      sha256: at?.sha256 ?? null,
      was,
      lost: was !== null && !stays && !gained.has(`${classOf(path)}/${was}`),
    };
  });
}

function imagesOf(contents: GalleryContents, className: string): GalleryImage[] {
  const { images } = contents;
  const name = contents.spelled(className);
  const found = images.filter((image) => image.class === name);
  if (found.length > 0) return found;
  const names = [...new Set(images.map((image) => image.class))].sort(compareText);
  throw new NotFoundError(
    `The gallery has no class ${JSON.stringify(className)}.${suggest(className, names, 'class in it')}`,
  );
}

const removal = ({ class: name, sha256 }: GalleryImage): Removed => ({ op: 'remove', class: name, sha256 });

const rename = ({ class: name, sha256 }: GalleryImage, to: string): Renamed => ({
  op: 'rename',
  class: name,
  to,
  sha256,
});
