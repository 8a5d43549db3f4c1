import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConflictError, InvalidInputError, NotFoundError } from '../../../core/errors.ts';
import { createGallery } from '../../../core/gallery/gallery.ts';
import {
  addPictures,
  mergeClasses,
  removeClass,
  removeKeys,
  renameClass,
} from '../../../core/gallery/operations.ts';
import { placePictures } from '../../../core/gallery/placing.ts';
import { applySegments, type Segment } from '../../../core/gallery/segments.ts';
import { galleryOfRows, rowsOf, sha256Of } from './support.ts';

const gallery = galleryOfRows([
  ['opera/1.jpg', [1]],
  ['opera/2.jpg', [2]],
  ['oprea/1.jpg', [3]],
  ['oprea/notes', [4]],
  ['palat/1.jpg', [5]],
]);

function after(segment: Segment): [string, string, number | undefined][] {
  return rowsOf(applySegments(gallery, [segment])).map(([key, className, , [x]]) => [key, className, x]);
}

describe('gallery operations', () => {
  it('add pictures, with a part of the checksum for those whose key another picture has', () => {
    const sha256 = sha256Of('new');
    const added = createGallery({
      dimensions: 1,
      keys: ['palat/1.jpg'],
      classes: ['palat'],
      sha256: [sha256],
      embeddings: Float32Array.of(9),
    });
    assert.deepEqual(after(addPictures(gallery, added)).slice(-2), [
      [`palat/1 (${sha256.slice(0, 8)}).jpg`, 'palat', 9],
      ['palat/1.jpg', 'palat', 5],
    ]);
  });

  it('remove pictures by key', () => {
    const keys = after(removeKeys(gallery, ['opera/2.jpg', 'palat/1.jpg', 'opera/2.jpg'])).map(
      ([key]) => key,
    );
    assert.deepEqual(keys, ['opera/1.jpg', 'oprea/1.jpg', 'oprea/notes']);
  });

  it('remove a class with all its pictures', () => {
    const keys = after(removeClass(gallery, 'oprea')).map(([key]) => key);
    assert.deepEqual(keys, ['opera/1.jpg', 'opera/2.jpg', 'palat/1.jpg']);
  });

  it('rename a class, the pictures keeping their files and embeddings', () => {
    assert.deepEqual(after(renameClass(gallery, 'opera', 'Operă Națională')).slice(0, 2), [
      ['Operă Națională/1.jpg', 'Operă Națională', 1],
      ['Operă Națională/2.jpg', 'Operă Națională', 2],
    ]);
  });

  it('merge classes, with a number for files whose name is taken', () => {
    assert.deepEqual(after(mergeClasses(gallery, ['oprea', 'palat', 'opera'], 'opera')), [
      ['opera/1 (2).jpg', 'opera', 3],
      ['opera/1 (3).jpg', 'opera', 5],
      ['opera/1.jpg', 'opera', 1],
      ['opera/2.jpg', 'opera', 2],
      ['opera/notes', 'opera', 4],
    ]);
  });

  it('merge classes into a new one', () => {
    const classes = after(mergeClasses(gallery, ['opera', 'palat'], 'clădiri')).map(
      ([, className]) => className,
    );
    assert.deepEqual(classes, ['clădiri', 'clădiri', 'clădiri', 'oprea', 'oprea']);
  });

  it('name what exists and the nearest name when a class is not found', () => {
    const expected = {
      name: 'NotFoundError',
      message: 'The gallery has no class "Opera1". Did you mean "opera"? There are: opera, oprea, palat.',
    };
    assert.throws(() => removeClass(gallery, 'Opera1'), expected);
    assert.throws(() => renameClass(gallery, 'Opera1', 'x'), expected);
    assert.throws(() => mergeClasses(gallery, ['opera', 'Opera1'], 'palat'), expected);
  });

  it('name the nearest key when a picture is not found', () => {
    assert.throws(
      () => removeKeys(gallery, ['palat/1.jpeg']),
      (error) => error instanceof NotFoundError && error.message.includes('Did you mean "palat/1.jpg"?'),
    );
  });

  it('say how to take out a class whose name stands in place of a key', () => {
    assert.throws(
      () => removeKeys(gallery, ['opera']),
      /There is a class of that name, which --class takes out/,
    );
  });

  it('list only the first names of many, and suggest none that is far', () => {
    const many = galleryOfRows(
      Array.from({ length: 25 }, (_, i) => [`class-${String(i).padStart(2, '0')}/1`, [i]]),
    );
    assert.throws(
      () => removeClass(many, 'something else'),
      (error) =>
        error instanceof NotFoundError &&
        error.message.endsWith(' and 13 more.') &&
        !error.message.includes('Did you'),
    );
  });

  it('find a class however its name is spelled in Unicode, and keep to one spelling', () => {
    const [composed, decomposed] = ['é'.normalize('NFC'), 'é'.normalize('NFD')];
    const one = galleryOfRows([
      [`${decomposed}/1`, [1]],
      ['x/2', [2]],
    ]);
    const keys = (segment: Segment): readonly string[] => applySegments(one, [segment]).keys;

    assert.deepEqual(keys(removeClass(one, composed)), ['x/2']);
    assert.deepEqual(keys(mergeClasses(one, ['x'], composed)), [`${decomposed}/1`, `${decomposed}/2`]);
    assert.deepEqual(
      keys(renameClass(one, composed, composed)),
      ['x/2', `${composed}/1`],
      'the spelling alone',
    );
    assert.throws(() => renameClass(one, 'x', composed), ConflictError);
    const wanted = { key: `${composed}/3`, className: composed, sha256: sha256Of('3') };
    assert.deepEqual(placePictures(one, [wanted]).fresh, [{ picture: wanted, key: `${decomposed}/3` }]);
  });

  it('refuse to rename a class to one that exists', () => {
    assert.throws(
      () => renameClass(gallery, 'opera', 'palat'),
      (error) => error instanceof ConflictError && error.message.includes('merge'),
    );
  });

  it('refuse names that cannot be keys, and empty work', () => {
    assert.throws(() => renameClass(gallery, 'opera', 'a/b'), InvalidInputError);
    assert.throws(() => mergeClasses(gallery, ['opera'], '..'), InvalidInputError);
    assert.throws(() => mergeClasses(gallery, ['opera'], 'opera'), InvalidInputError);
    assert.throws(() => mergeClasses(gallery, [], 'opera'), InvalidInputError);
    assert.throws(() => addPictures(gallery, galleryOfRows([], { dimensions: 1 })), InvalidInputError);
    assert.throws(() => removeKeys(gallery, []), InvalidInputError);
  });
});
