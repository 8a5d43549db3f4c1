import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GalleryContents } from '../../../core/gallery/contents.ts';
import type { Base } from '../../../core/gallery/contents.ts';
import { changeAfter, createChange, idAfter } from '../../../core/gallery/facts.ts';
import type { Change, Fact } from '../../../core/gallery/facts.ts';
import {
  addImages,
  mergeClasses,
  removeClass,
  removeKeys,
  renameClass,
  seeDataset,
} from '../../../core/gallery/operations.ts';
import { sha256Of } from './support.ts';

const base = (keys: readonly string[], position: string | null = null): Base => ({
  dataset: 'shop',
  position,
  images: keys.map((key) => ({ key, sha256: sha256Of(key.slice(key.indexOf('/') + 1)) })),
});

/** A log that grows by what is decided about a version's gallery. */
class Log {
  readonly base: Base;
  changes: readonly Change[] = [];

  constructor(of: Base) {
    this.base = of;
  }

  get contents(): GalleryContents {
    return new GalleryContents(this.base, this.changes);
  }

  record(decide: (contents: GalleryContents) => readonly Fact[]): this {
    this.changes = [...this.changes, changeAfter(this.changes, decide(this.contents), 'test')];
    return this;
  }

  /** The dataset has just these images by now, each called after its content. */
  see(...paths: readonly string[]): this {
    const now = new Map(
      base(paths).images.map(({ key, sha256 }) => [key, { sha256, readable: true }] as const),
    );
    return this.record((contents) => {
      const gone = [...contents.paths()].filter((path) => !now.has(path));
      return seeDataset(contents, 'shop', new Map([...now, ...gone.map((path) => [path, null] as const)]));
    });
  }

  /** The keys under another version's own images. */
  keysOf(other: Base): string[] {
    return keysOf(new GalleryContents(other, this.changes));
  }
}

const keysOf = ({ images }: GalleryContents): string[] => images.map(({ key }) => key);
const about = (file: string) => ({ sha256: sha256Of(file), file, source: null });
const label = (file: string, className: string) => (): Fact[] => [
  { op: 'label', class: className, ...about(file) },
];

describe('a gallery', () => {
  it('is its training images, while nothing was recorded', () => {
    const { contents } = new Log(base(['cat/1', 'dog/2']));

    assert.deepEqual(contents.images, [
      { key: 'cat/1', class: 'cat', sha256: sha256Of('1'), source: 'datasets/shop/cat/1' },
      { key: 'dog/2', class: 'dog', sha256: sha256Of('2'), source: 'datasets/shop/dog/2' },
    ]);
  });

  it('follows its dataset: images come, are replaced, move and go', () => {
    const log = new Log(base(['cat/1', 'cat/2', 'dog/3']));

    assert.deepEqual(keysOf(log.see('cat/1', 'dog/2', 'dog/3', 'fox/4').contents), [
      'cat/1',
      'dog/2',
      'dog/3',
      'fox/4',
    ]);
    assert.deepEqual(keysOf(log.see('fox/4').contents), ['fox/4']);
  });

  it('has an image that cannot be decoded nowhere, and knows that it was seen', () => {
    const log = new Log(base(['cat/1']));
    const now = new Map([['cat/2', { sha256: sha256Of('2'), readable: false }]]);
    log.record((contents) => seeDataset(contents, 'shop', now));

    assert.deepEqual(keysOf(log.contents), ['cat/1']);
    assert.equal(log.contents.at('cat/2'), sha256Of('2'));
    assert.deepEqual(seeDataset(log.contents, 'shop', now), []);
  });

  it('keeps what a user took out taken out, also of a version that is trained later on a dataset which still has it', () => {
    const log = new Log(base(['cat/1', 'cat/2'])).record((contents) => removeKeys(contents, ['cat/1']));
    const position = log.changes.at(-1)?.id ?? '';

    assert.deepEqual(keysOf(log.contents), ['cat/2']);
    assert.deepEqual(log.keysOf(base(['cat/1', 'cat/2', 'cat/3'], position)), ['cat/2', 'cat/3']);
  });

  it('has an image again that a user took out once the dataset has lost it and gets it anew', () => {
    const log = new Log(base(['cat/1', 'cat/2'])).record((contents) => removeKeys(contents, ['cat/1']));

    assert.deepEqual(keysOf(log.see('cat/2').contents), ['cat/2']);
    assert.deepEqual(keysOf(log.see('cat/1', 'cat/2').contents), ['cat/1', 'cat/2']);
  });

  it('keeps an image out whose file only got another name', () => {
    const log = new Log(base(['cat/1', 'cat/2'])).record((contents) => removeKeys(contents, ['cat/1']));
    const moved = new Map([
      ['cat/1', null],
      ['cat/renamed', { sha256: sha256Of('1'), readable: true }],
    ]);
    log.record((contents) => seeDataset(contents, 'shop', moved));

    assert.deepEqual(keysOf(log.contents), ['cat/2']);
  });

  it('has a labelled image under that class alone, whatever any dataset says, now and later', () => {
    const log = new Log(base(['cat/1', 'dog/2'])).record(label('1', 'dog'));

    assert.deepEqual(keysOf(log.contents), ['dog/1', 'dog/2']);
    assert.deepEqual(keysOf(log.see('cat/1', 'fox/1', 'dog/2').contents), ['dog/1', 'dog/2']);
    assert.deepEqual(log.keysOf(base(['cat/1', 'dog/2'], log.changes.at(-1)?.id)), ['dog/1', 'dog/2']);
    assert.deepEqual(keysOf(log.see('dog/2').contents), ['dog/1', 'dog/2'], 'it is the user who has it');
  });

  it('of two labels of one image follows the later one', () => {
    const log = new Log(base(['cat/1'])).record(label('1', 'dog')).record(label('1', 'fox'));

    assert.deepEqual(keysOf(log.contents), ['fox/1']);
  });

  it('has a rejected image in no class, and lists it', () => {
    const log = new Log(base(['cat/1', 'cat/2'])).record(() => [{ op: 'reject', ...about('1') }]);

    assert.deepEqual(keysOf(log.contents), ['cat/2']);
    assert.deepEqual(log.contents.rejected, [{ sha256: sha256Of('1'), source: null }]);
    log.record(label('1', 'dog'));
    assert.deepEqual([keysOf(log.contents), log.contents.rejected], [['cat/2', 'dog/1'], []]);
  });

  it('has an image under every class that it was added to', () => {
    const log = new Log(base(['cat/1']));
    log.record((contents) =>
      addImages(contents, [{ class: 'pet', ...about('1') }]).fresh.map(({ fact }) => fact),
    );

    assert.deepEqual(keysOf(log.contents), ['cat/1', 'pet/1']);
  });

  it('gives different images of one name keys of their own', () => {
    const log = new Log(base(['cat/1']));
    const sha256 = sha256Of('another');
    log.record(() => [{ op: 'add', class: 'cat', file: '1', sha256, source: null }]);

    assert.deepEqual(keysOf(log.contents), ['cat/1', `cat/1 (${sha256.slice(0, 8)})`]);
  });

  it('keeps the name of a renamed class for what its folder gets, and for later versions', () => {
    const log = new Log(base(['cat/1', 'dog/2'])).record((contents) => renameClass(contents, 'cat', 'tiger'));

    assert.deepEqual(keysOf(log.contents), ['dog/2', 'tiger/1']);
    assert.deepEqual(keysOf(log.see('cat/1', 'cat/3', 'dog/2').contents), ['dog/2', 'tiger/1', 'tiger/3']);
    assert.deepEqual(log.keysOf(base(['cat/1', 'cat/4'], log.changes.at(-1)?.id)), ['tiger/1', 'tiger/4']);
    assert.deepEqual(log.keysOf(base(['tiger/1'], log.changes.at(-1)?.id)), ['tiger/1'], 'renamed there too');
  });

  it('leaves a class of a later version alone that shares only the name with one that was renamed', () => {
    const log = new Log(base(['jaguar/cat1', 'dog/2']));
    log.record((contents) => renameClass(contents, 'jaguar', 'big cat'));

    assert.deepEqual(log.keysOf(base(['jaguar/car1', 'dog/2'], log.changes.at(-1)?.id)), [
      'dog/2',
      'jaguar/car1',
    ]);
  });

  it('is not swapped again when two names that were swapped by hand are put right in the dataset', () => {
    const log = new Log(base(['a/b1', 'b/a1']));
    log.record((contents) => renameClass(contents, 'a', 'x'));
    log.record((contents) => renameClass(contents, 'b', 'a'));
    log.record((contents) => renameClass(contents, 'x', 'b'));

    assert.deepEqual(keysOf(log.contents), ['a/a1', 'b/b1']);
    assert.deepEqual(log.keysOf(base(['a/a1', 'b/b1'], log.changes.at(-1)?.id)), ['a/a1', 'b/b1']);
  });

  it('counts what was decided about a class that was renamed meanwhile for its new name, either way round', () => {
    const { base: own, contents } = new Log(base(['cat/1', 'cat/2', 'dog/3']));
    const rename = renameClass(contents, 'cat', 'tiger');
    const remove = removeKeys(contents, ['cat/1']);
    const add = [{ op: 'add' as const, class: 'cat', ...about('4') }];
    const at = (minute: number, facts: readonly Fact[]): Change =>
      createChange({ id: idAfter(null, minute * 60_000), after: null, by: 'test', facts });

    for (const changes of [
      [at(1, rename), at(2, remove), at(3, add)],
      [at(1, remove), at(2, add), at(3, rename)],
    ]) {
      assert.deepEqual(keysOf(new GalleryContents(own, changes)), ['dog/3', 'tiger/2', 'tiger/4']);
    }
  });

  it('takes what was seen before a training listed its dataset for older than the listing', () => {
    const log = new Log(base(['cat/1'])).see('cat/1', 'cat/2');
    const later = base(['cat/1', 'cat/3'], log.changes.at(-1)?.id);

    assert.deepEqual(log.keysOf(later), ['cat/1', 'cat/3']);
    assert.deepEqual(keysOf(new GalleryContents(later, log.see('cat/1', 'cat/2', 'cat/4').changes)), [
      'cat/1',
      'cat/3',
      'cat/4',
    ]);
  });

  it('follows no dataset but its own', () => {
    const log = new Log(base(['cat/1'])).see('cat/1', 'cat/2');
    const folder: Base = { ...base(['cat/1']), dataset: null };

    assert.deepEqual(log.keysOf(folder), ['cat/1']);
    assert.deepEqual(log.keysOf({ ...base(['cat/1']), dataset: 'other' }), ['cat/1']);
  });

  it('is the same whether it follows a log change by change, or reads all of it', () => {
    const log = new Log(base(['cat/1', 'cat/2', 'dog/3']));
    let followed = log.contents;
    const steps: ((contents: GalleryContents) => readonly Fact[])[] = [
      (contents) => mergeClasses(contents, ['cat'], 'dog'),
      label('1', 'fox'),
      (contents) => removeKeys(contents, ['dog/2']),
      (contents) => removeClass(contents, 'fox'),
    ];
    for (const step of steps) {
      log.record(step);
      followed = followed.follow(log.changes);
      assert.deepEqual(followed.images, log.contents.images);
    }
    const late = createChange({
      id: idAfter(null, 0),
      after: null,
      by: 'late',
      facts: [{ op: 'label', class: 'early', ...about('9') }],
    });
    const changes = [late, ...log.changes];
    assert.deepEqual(followed.follow(changes).images, new GalleryContents(log.base, changes).images);
  });
});

describe('the id of a change', () => {
  it('is greater than every id its writer has seen, whatever the clock says', () => {
    const ahead = idAfter(null, Date.now() + 5 * 3_600_000);
    const behind = idAfter(ahead, Date.now() - 5 * 3_600_000);

    assert.ok(behind > ahead, `${behind} after ${ahead}`);
    assert.ok(idAfter(behind, 0) > behind);
  });
});
