import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConflictError, InvalidInputError, NotFoundError } from '../../../core/errors.ts';
import { GalleryContents } from '../../../core/gallery/contents.ts';
import { changeAfter } from '../../../core/gallery/facts.ts';
import type { Fact } from '../../../core/gallery/facts.ts';
import {
  addImages,
  mergeClasses,
  removeClass,
  removeKeys,
  renameClass,
} from '../../../core/gallery/operations.ts';
import { sha256Of } from './support.ts';

const contentsOf = (keys: readonly string[], facts: readonly Fact[] = []): GalleryContents => {
  const images = keys.map((key) => ({ key, sha256: sha256Of(key) }));
  const changes = facts.length === 0 ? [] : [changeAfter([], facts, 'test')];
  return new GalleryContents({ dataset: null, position: null, images }, changes);
};

const KEYS = ['opera/1.jpg', 'opera/2.jpg', 'oprea/1.jpg', 'oprea/notes', 'palat/1.jpg'];
const gallery = contentsOf(KEYS);
const after = (facts: readonly Fact[]): string[] => contentsOf(KEYS, facts).images.map(({ key }) => key);
const short = (key: string): string => sha256Of(key).slice(0, 8);

describe('gallery operations', () => {
  it('add images that their class does not have, each once, and say which it has', () => {
    const image = (key: string) => {
      const [name = '', file = ''] = key.split('/');
      return { class: name, file, sha256: sha256Of(key), source: null };
    };
    const [known, fresh] = [image('opera/1.jpg'), image('palat/2.jpg')];

    const added = addImages(gallery, [known, fresh, fresh]);

    assert.deepEqual(added.there, [known, fresh]);
    assert.deepEqual(added.fresh, [{ image: fresh, fact: { op: 'add', ...fresh } }]);
  });

  it('add nothing of a dataset to images that a user has decided about', () => {
    const decided = contentsOf(KEYS, [
      { op: 'label', class: 'palat', sha256: sha256Of('opera/1.jpg'), file: '1.jpg', source: null },
    ]);
    const image = { class: 'opera', file: '1.jpg', sha256: sha256Of('opera/1.jpg'), source: null };

    assert.equal(addImages(decided, [image], true).fresh.length, 0);
    assert.equal(addImages(decided, [image]).fresh.length, 1);
  });

  it('remove images by key', () => {
    const keys = after(removeKeys(gallery, ['opera/2.jpg', 'palat/1.jpg', 'opera/2.jpg']));

    assert.deepEqual(keys, ['opera/1.jpg', 'oprea/1.jpg', 'oprea/notes']);
  });

  it('remove a class with all its images', () => {
    assert.deepEqual(after(removeClass(gallery, 'oprea')), ['opera/1.jpg', 'opera/2.jpg', 'palat/1.jpg']);
  });

  it('rename a class, the images keeping their files', () => {
    assert.deepEqual(after(renameClass(gallery, 'opera', 'Operă Națională')).slice(0, 2), [
      'Operă Națională/1.jpg',
      'Operă Națională/2.jpg',
    ]);
  });

  it('merge classes, with a part of the checksum for files whose name is taken', () => {
    assert.deepEqual(after(mergeClasses(gallery, ['oprea', 'palat', 'opera'], 'opera')).toSorted(), [
      ...[`opera/1 (${short('oprea/1.jpg')}).jpg`, `opera/1 (${short('palat/1.jpg')}).jpg`].toSorted(),
      'opera/1.jpg',
      'opera/2.jpg',
      'opera/notes',
    ]);
  });

  it('merge classes into a new one', () => {
    const { images } = contentsOf(KEYS, mergeClasses(gallery, ['opera', 'palat'], 'clădiri'));

    assert.deepEqual(
      images.map((image) => image.class),
      ['clădiri', 'clădiri', 'clădiri', 'oprea', 'oprea'],
    );
  });

  it('name what exists and the nearest name when a class is not found', () => {
    const expected = (error: unknown): boolean =>
      error instanceof NotFoundError && /"Opera1".*"opera".*opera, oprea, palat/.test(error.message);

    assert.throws(() => removeClass(gallery, 'Opera1'), expected);
    assert.throws(() => renameClass(gallery, 'Opera1', 'x'), expected);
    assert.throws(() => mergeClasses(gallery, ['opera', 'Opera1'], 'palat'), expected);
  });

  it('name the nearest key when an image is not found', () => {
    assert.throws(
      () => removeKeys(gallery, ['palat/1.jpeg']),
      (error) => error instanceof NotFoundError && error.message.includes('"palat/1.jpg"'),
    );
  });

  it('say how to remove a class whose name stands in place of a key', () => {
    assert.throws(() => removeKeys(gallery, ['opera']), /--class/);
  });

  it('list only the first names of many, and suggest none that is far', () => {
    const many = contentsOf(Array.from({ length: 25 }, (_, i) => `class-${String(i).padStart(2, '0')}/1`));

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
    const keys = [`${decomposed}/1`, 'x/2'];
    const one = contentsOf(keys);
    const then = (facts: readonly Fact[]): string[] => contentsOf(keys, facts).images.map(({ key }) => key);

    assert.deepEqual(then(removeClass(one, composed)), ['x/2']);
    assert.deepEqual(then(mergeClasses(one, ['x'], composed)), [`${decomposed}/1`, `${decomposed}/2`]);
    assert.throws(() => renameClass(one, 'x', composed), ConflictError);
    const image = { class: composed, file: '3', sha256: sha256Of('3'), source: null };
    assert.equal(addImages(one, [image]).fresh[0]?.fact.class, decomposed);
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
    assert.throws(() => removeKeys(gallery, []), InvalidInputError);
  });
});
