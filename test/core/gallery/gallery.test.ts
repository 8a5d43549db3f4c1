import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidInputError } from '../../../core/errors.ts';
import { galleryCsv } from '../../../core/gallery/csv.ts';
import { classNames, createGallery, type GalleryParts } from '../../../core/gallery/gallery.ts';
import { galleryOfRows, sha256Of } from './support.ts';

const valid: GalleryParts = {
  dimensions: 2,
  keys: ['a/1', 'b/1'],
  classes: ['a', 'b'],
  sha256: [sha256Of('1'), sha256Of('2')],
  embeddings: Float32Array.of(1, 2, 3, 4),
};

describe('a gallery', () => {
  it('has squared Euclidean distances and no embedder unless told', () => {
    const gallery = createGallery(valid);
    assert.equal(gallery.distance, 'squared-euclidean');
    assert.equal(gallery.embedder, null);
  });

  it('names its classes once each, in code-unit order', () => {
    const gallery = galleryOfRows([
      ['ț/1', [1, 2]],
      ['Z/1', [1, 2]],
      ['a/1', [1, 2]],
      ['Z/2', [1, 2]],
    ]);
    assert.deepEqual(classNames(gallery), ['Z', 'a', 'ț']);
  });

  const wrong: [name: string, change: Partial<GalleryParts>, message: RegExp][] = [
    ['no dimensions', { dimensions: 0, embeddings: new Float32Array(0) }, /at least 1 dimension, not 0/],
    ['half a dimension', { dimensions: 1.5 }, /not 1\.5/],
    [
      'too few numbers',
      { embeddings: Float32Array.of(1, 2, 3) },
      /2 embeddings of 2 dimensions are 4 numbers, not 3/,
    ],
    ['an infinite number', { embeddings: Float32Array.of(1, 2, 3, Infinity) }, /Embedding 1 holds Infinity/],
    ['one class too few', { classes: ['a'] }, /2 keys, 1 classes/],
    ['a key twice', { keys: ['a/1', 'a/1'], classes: ['a', 'a'] }, /"a\/1" is there twice/],
    ['a key without class', { keys: ['a/1', '1'] }, /"1" does not fit the class "b"/],
    ['a key with a folder too many', { keys: ['a/1', 'b/c/1'] }, /"c\/1" cannot be the name of a file/],
    ['an empty class', { keys: ['a/1', '/1'], classes: ['a', ''] }, /"" cannot be the name of a class/],
    ['a class that climbs', { keys: ['a/1', '../1'], classes: ['a', '..'] }, /"\.\." cannot be/],
    ['a line break in a name', { keys: ['a/1', 'b/1\n2'] }, /"1\\n2" cannot be/],
    ['half a character', { keys: ['a/1', 'b/\ud800'] }, /cannot be the name of a file/],
    ['a short checksum', { sha256: [sha256Of('1'), 'abc'] }, /"abc" of "b\/1" is not a SHA-256/],
  ];
  for (const [name, change, message] of wrong) {
    it(`with ${name} is refused`, () => {
      assert.throws(
        () => createGallery({ ...valid, ...change }),
        (error) => error instanceof InvalidInputError && message.test(error.message),
      );
    });
  }

  it('is listed as CSV, with commas, quotes and Unicode kept', () => {
    const gallery = galleryOfRows([
      ['a, "b"/1.jpg', [1]],
      ['ș/2.jpg', [2]],
    ]);
    assert.equal(
      galleryCsv(
        gallery.keys.map((key, row) => ({
          key,
          class: gallery.classes[row] ?? '',
          sha256: gallery.sha256[row] ?? '',
        })),
      ),
      `key,class,sha256\r\n"a, ""b""/1.jpg","a, ""b""",${sha256Of('a, "b"/1.jpg')}\r\nș/2.jpg,ș,${sha256Of('ș/2.jpg')}\r\n`,
    );
  });
});
