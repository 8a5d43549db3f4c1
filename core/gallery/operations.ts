import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { spelledAs } from '../spelling.ts';
import { suggest } from '../suggest.ts';
import { classNames, type Gallery, requireSameBinding } from './gallery.ts';
import { checkName, fileOf, uniqueKey } from './names.ts';
import { additionOf, createSegment, type Segment, type SegmentEntry } from './segments.ts';

/**
 * Puts pictures into the gallery. One whose key another picture has gets a key of its own when the segment applies; none is lost.
 * @param pictures with their embeddings and the embedder that made them: it has to be the gallery's own
 * @throws InvalidInputError when it is another one, or there is no picture
 */
export function addPictures(gallery: Gallery, pictures: Gallery): Segment {
  requireSameBinding(gallery, pictures, 'What is to be added');
  if (pictures.keys.length === 0) throw new InvalidInputError('No picture to add was given.');
  return createSegment(
    gallery,
    pictures.keys.map((_, row) => additionOf(pictures, row)),
  );
}

/**
 * Takes pictures out by key.
 * @throws NotFoundError naming the first key that is not there and the nearest one that is
 */
export function removeKeys(gallery: Gallery, keys: readonly string[]): Segment {
  if (keys.length === 0) throw new InvalidInputError('No key to remove was given.');
  const known = new Set(gallery.keys);
  for (const key of keys) {
    if (!known.has(key)) {
      throw new NotFoundError(
        `The gallery has no picture ${JSON.stringify(key)}.` +
          (gallery.classes.includes(key)
            ? ` There is a class of that name, which --class takes out.`
            : suggest(key, gallery.keys, 'picture in it')),
      );
    }
  }
  return createSegment(gallery, [...new Set(keys)].map(removal));
}

/**
 * Takes a class out with all its pictures.
 * @throws NotFoundError naming the classes that are there
 */
export function removeClass(gallery: Gallery, className: string): Segment {
  const rows = rowsOfClass(gallery, className);
  return createSegment(
    gallery,
    rows.map((row) => removal(additionOf(gallery, row).key)),
  );
}

/**
 * Gives a class another name; every picture keeps its file part.
 * @throws NotFoundError when `from` does not exist; ConflictError when `to` does: that is a merge
 */
export function renameClass(gallery: Gallery, from: string, to: string): Segment {
  const rows = rowsOfClass(gallery, from);
  checkName(to, 'class');
  const old = spelledAs(from, gallery.classes);
  const others = classNames(gallery).filter((name) => name !== old);
  const name = spelledAs(to, others);
  if (name === old || others.includes(name)) {
    throw new ConflictError(
      `The class ${JSON.stringify(to)} exists already, so ${JSON.stringify(from)} cannot take its name. To make one class of both, merge them.`,
    );
  }
  return createSegment(gallery, moveRows(gallery, rows, name));
}

/**
 * Moves all pictures of the classes `from` into the class `into`, which may exist or be new. A file name that is taken there gets
 * a number: "1.jpg" becomes "1 (2).jpg".
 * @throws NotFoundError when a class of `from` does not exist
 */
export function mergeClasses(gallery: Gallery, from: readonly string[], into: string): Segment {
  checkName(into, 'class');
  const to = spelledAs(into, gallery.classes);
  const moved = [...new Set(from.map((name) => spelledAs(name, gallery.classes)))].filter(
    (name) => name !== to,
  );
  if (moved.length === 0) {
    throw new InvalidInputError(`No class to merge into ${JSON.stringify(into)} was given.`);
  }
  const rows = moved.flatMap((className) => rowsOfClass(gallery, className));
  return createSegment(gallery, moveRows(gallery, rows, to));
}

function moveRows(gallery: Gallery, rows: readonly number[], to: string): SegmentEntry[] {
  const taken = new Set(gallery.keys);
  return rows.flatMap((row) => {
    const picture = additionOf(gallery, row);
    const key = uniqueKey(to, fileOf(picture.key), taken);
    taken.add(key);
    return [removal(picture.key), { ...picture, key, class: to }];
  });
}

function rowsOfClass(gallery: Gallery, className: string): number[] {
  const name = spelledAs(className, gallery.classes);
  const rows = [...gallery.classes.keys()].filter((row) => gallery.classes[row] === name);
  if (rows.length === 0) {
    throw new NotFoundError(
      `The gallery has no class ${JSON.stringify(className)}.${suggest(className, classNames(gallery), 'class in it')}`,
    );
  }
  return rows;
}

function removal(key: string): SegmentEntry {
  return { op: 'remove', key };
}
