import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type GalleryLog, planCarryOver, renamesSince } from '../../../core/gallery/carry-over.ts';
import { createGallery, type Gallery } from '../../../core/gallery/gallery.ts';
import { mergeClasses, removeClass, removeKeys, renameClass } from '../../../core/gallery/operations.ts';
import { applySegments, createSegment, type Segment } from '../../../core/gallery/segments.ts';
import { Random } from '../../../core/random.ts';
import { sha256Of } from './support.ts';

/** Rows "<class>/<picture>": what a picture is follows from its name alone, wherever it is. */
function galleryOf(version: string, keys: readonly string[]): Gallery {
  return createGallery({
    dimensions: 1,
    keys,
    classes: keys.map((key) => key.split('/')[0] ?? ''),
    sha256: keys.map((key) => sha256Of(key.split('/')[1] ?? '')),
    embeddings: Float32Array.from(keys, () => Number(version)),
    embedder: { model: 'm', version },
  });
}

/** A version whose gallery is changed step by step, as the commands do. */
class Version {
  readonly made: Gallery;
  readonly segments: Segment[] = [];

  constructor(version: string, keys: readonly string[]) {
    this.made = galleryOf(version, keys);
  }

  get now(): Gallery {
    return applySegments(this.made, this.segments);
  }

  /** `class/picture` of every row, sorted. */
  get shown(): string[] {
    const names = new Map(NAMES.map((name) => [sha256Of(name), name]));
    const { classes, sha256 } = this.now;
    return classes.map((name, row) => `${name}/${names.get(sha256[row] ?? '')}`).toSorted();
  }

  change(make: (gallery: Gallery) => Segment): this {
    this.segments.push(make(this.now));
    return this;
  }

  add(...keys: string[]): this {
    return this.change((gallery) => createSegment(gallery, entriesOf(this.made, keys)));
  }

  /** A data set has a picture, and the gallery takes it up. */
  follow(key: string): this {
    return this.change((gallery) => {
      const entries = entriesOf(this.made, [key]);
      const seen = entries.map(({ sha256 }) => ({
        op: 'seen' as const,
        key: `datasets/wear/${key}`,
        sha256,
      }));
      return createSegment(gallery, [...entries, ...seen]);
    });
  }

  /** Somebody says the one class of a picture. @param id in whose order it counts */
  place(key: string, id?: string): this {
    const [entry = assert.fail()] = entriesOf(this.made, [key]);
    this.segments.push(createSegment(this.made, [{ ...entry, alone: true }], id));
    this.segments.sort((a, b) => (a.id < b.id ? -1 : 1));
    return this;
  }

  /** Takes over what is planned; embeddings are this version's own. */
  take(from: GalleryLog, only?: ReadonlySet<string>): ReturnType<typeof planCarryOver> {
    const plan = planCarryOver(from, this, only);
    for (const { id, entries } of plan.segments) {
      const own = entries.map((entry) =>
        entry.op === 'remove' ? entry : { ...entry, embedding: this.made.embeddings.slice(0, 1) },
      );
      this.segments.push(createSegment(this.made, own, id));
    }
    this.segments.sort((a, b) => (a.id < b.id ? -1 : 1));
    return plan;
  }
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'new'];

function entriesOf(of: Gallery, keys: readonly string[]) {
  const { keys: all, classes, sha256, embeddings } = galleryOf(of.embedder?.version ?? '', keys);
  return all.map((key, row) => ({
    op: 'add' as const,
    key,
    class: classes[row] ?? '',
    sha256: sha256[row] ?? '',
    embedding: embeddings.slice(row, row + 1),
  }));
}

describe('what is carried over to another version', () => {
  it('is what was added since, but not what it was made with', () => {
    const old = new Version('1', ['hat/a', 'shoe/b']).add('hat/c', 'skirt/d');
    const next = new Version('2', ['hat/a', 'shoe/b', 'skirt/d', 'hat/e']);

    next.take(old);

    assert.deepEqual(next.shown, ['hat/a', 'hat/c', 'hat/e', 'shoe/b', 'skirt/d']);
    assert.deepEqual(
      next.segments.map(({ id }) => id),
      old.segments.map(({ id }) => id),
    );
  });

  it('is nothing the second time, and nothing that comes back on the way back', () => {
    const old = new Version('1', ['hat/a']).add('hat/c');
    const next = new Version('2', ['hat/a', 'shoe/b']);
    next.take(old);
    next.add('shoe/d');

    assert.deepEqual(next.take(old).segments, []);
    old.take(next);

    assert.deepEqual(old.shown, ['hat/a', 'hat/c', 'shoe/d']);
    assert.deepEqual(old.take(next).segments, []);
  });

  it('is the class that somebody said a picture is of, and of two the later one, wherever it was said', () => {
    const [earlier, later] = ['01ARZ3NDEKTSV4RRFFQ69G5F01', '01ARZ3NDEKTSV4RRFFQ69G5F02'];
    for (const [mine, theirs, expected] of [
      [later, earlier, 'shoe/a'],
      [earlier, later, 'skirt/a'],
    ] as const) {
      const old = new Version('1', ['hat/a']).place('shoe/a', mine);
      const next = new Version('2', ['hat/a', 'hat/c']).place('skirt/a', theirs);

      next.take(old);
      old.take(next);

      assert.deepEqual(next.shown, ['hat/c', expected]);
      assert.deepEqual(old.shown, [expected]);
    }
  });

  it('is no class that was renamed because its last picture was moved, nor what its own data say otherwise', () => {
    const id = '01ARZ3NDEKTSV4RRFFQ69G5F01';
    const old = new Version('1', ['hat/a', 'shoe/b']).place('cap/a', id);
    const next = new Version('2', ['hat/a', 'hat/c']);
    const other = new Version('3', ['skirt/a', 'hat/c']);

    next.take(old);
    const { kept } = other.take(old);

    assert.deepEqual(next.shown, ['cap/a', 'hat/c']);
    assert.deepEqual(other.shown, ['hat/c', 'skirt/a']);
    assert.deepEqual(kept, [{ kind: 'picture', key: 'cap/a', own: 'skirt' }]);
    assert.deepEqual([...renamesSince(old)], []);
  });

  it('leaves out what was taken out again', () => {
    const old = new Version('1', ['hat/a'])
      .add('hat/c', 'hat/d')
      .change((gallery) => removeKeys(gallery, ['hat/c']));
    const next = new Version('2', ['hat/a']);

    const { segments } = next.take(old);

    assert.deepEqual(next.shown, ['hat/a', 'hat/d']);
    assert.equal(segments.flatMap(({ entries }) => entries).length, 1);
  });

  it('takes out pictures by what they show, not by what their files are called', () => {
    const old = new Version('1', ['hat/a', 'hat/b', 'shoe/c']).change((gallery) =>
      removeKeys(gallery, ['hat/a', 'shoe/c']),
    );
    const made = galleryOf('2', ['hat/a', 'hat/b', 'hat/c']);
    // The file "hat/a" has another picture by now, and the old one another name; "c" is a hat here.
    const keys = ['hat/other name', 'hat/b', 'hat/c', 'hat/a'];
    const next = new Version('2', []);
    Object.assign(next, {
      made: createGallery({
        ...made,
        keys,
        classes: keys.map(() => 'hat'),
        sha256: [...made.sha256, sha256Of('new')],
        embeddings: new Float32Array(4),
      }),
    });

    next.take(old);

    assert.deepEqual(next.now.keys, ['hat/a', 'hat/b', 'hat/c']);
    assert.deepEqual(next.shown, ['hat/b', 'hat/c', 'hat/new']);
  });

  it('renames and merges classes with the pictures that only the new version has', () => {
    const old = new Version('1', ['pants/a', 'trowsers/b', 'hat/c'])
      .change((gallery) => renameClass(gallery, 'hat', 'cap'))
      .change((gallery) => mergeClasses(gallery, ['pants', 'trowsers'], 'trousers'))
      .add('trousers/d')
      .change((gallery) => renameClass(gallery, 'trousers', 'Hosen'));
    const next = new Version('2', ['pants/a', 'pants/e', 'trowsers/b', 'hat/c', 'hat/f']);

    next.take(old);

    assert.deepEqual(next.shown, ['Hosen/a', 'Hosen/b', 'Hosen/d', 'Hosen/e', 'cap/c', 'cap/f']);
    assert.deepEqual(
      renamesSince(old),
      new Map([
        ['hat', 'cap'],
        ['pants', 'Hosen'],
        ['trowsers', 'Hosen'],
      ]),
    );
    assert.deepEqual(renamesSince(next), renamesSince(old));
  });

  it('does not rename a class that shares nothing but the name, and says so', () => {
    const old = new Version('1', ['bat/a', 'ball/b']).change((gallery) =>
      renameClass(gallery, 'bat', 'club'),
    );
    const next = new Version('2', ['bat/c', 'ball/b']);

    const { kept } = next.take(old);

    assert.deepEqual(next.shown, ['ball/b', 'bat/c']);
    assert.deepEqual(kept, [{ kind: 'class', class: 'bat', to: 'club' }]);
  });

  it('takes a class out with the pictures that were in it, and leaves those that were not', () => {
    const old = new Version('1', ['hat/a', 'skirt/b']).change((gallery) => removeClass(gallery, 'skirt'));
    const next = new Version('2', ['hat/a', 'skirt/b', 'skirt/c']);

    next.take(old);

    assert.deepEqual(next.shown, ['hat/a', 'skirt/c']);
  });

  it('leaves a picture in the class that the new data have it in, and says so', () => {
    const old = new Version('1', ['hat/a', 'shoe/b']).add('hat/c');
    const next = new Version('2', ['hat/a', 'shoe/c']);

    const { kept } = next.take(old);

    assert.deepEqual(next.shown, ['hat/a', 'shoe/c']);
    assert.deepEqual(kept, [{ kind: 'picture', key: 'hat/c', own: 'shoe' }]);
  });

  it('gives a picture under two classes both', () => {
    const old = new Version('1', ['hat/a', 'shoe/b']).add('hat/b');
    const next = new Version('2', ['hat/a', 'shoe/b']);

    next.take(old);

    assert.deepEqual(next.shown, ['hat/a', 'hat/b', 'shoe/b']);
  });

  it('finds its place between what was changed in the new version already', () => {
    const old = new Version('1', ['hat/a']).add('hat/c');
    const next = new Version('2', ['hat/a']).change((gallery) => renameClass(gallery, 'hat', 'cap'));
    old.change((gallery) => removeKeys(gallery, ['hat/c']));

    next.take(old);

    assert.deepEqual(next.shown, ['cap/a']);
  });

  it('is one change alone when only that is asked for', () => {
    const old = new Version('1', ['hat/a']).add('hat/b').add('hat/c');
    const next = new Version('2', ['hat/a']);

    next.take(old, new Set([old.segments[1]?.id ?? '']));
    assert.deepEqual(next.shown, ['hat/a', 'hat/c']);
    next.take(old);

    assert.deepEqual(next.shown, ['hat/a', 'hat/b', 'hat/c']);
  });

  it('makes two versions of the same data alike, however often and in whatever parts it is done', () => {
    const random = new Random(5);
    for (let round = 0; round < 60; round++) {
      const data = ['x/a', 'x/b', 'y/c', 'z/d'];
      const [one, two] = [new Version('1', data), new Version('2', data)];
      for (let step = 0; step < 8; step++) {
        const { keys, classes } = one.now;
        const kind = random.below(6);
        const some = <T>(items: readonly T[]): T => items[random.below(items.length)] as T;
        if (kind === 0 || keys.length < 3) one.add(`${some(['x', 'y', 'w'])}/${some(NAMES)}`);
        else if (kind === 1) one.change((gallery) => removeKeys(gallery, [some(keys)]));
        else if (kind === 2) one.change((gallery) => renameClass(gallery, some(classes), `n${step}`));
        else if (kind === 4) one.place(`${some(['x', 'y', 'w'])}/${some(NAMES)}`);
        else if (kind === 5) one.follow(`${some(['x', 'y', 'w'])}/${some(NAMES)}`);
        else if (new Set(classes).size > 1) {
          const into = some(classes);
          const from = classes.find((name) => name !== into) ?? '';
          one.change((gallery) => mergeClasses(gallery, [from], into));
        }
        if (random.below(3) === 0) two.take(one);
      }
      two.take(one);

      const distinct = (names: readonly string[]): string[] => [...new Set(names)];
      assert.deepEqual(distinct(two.shown), distinct(one.shown), `round ${round}`);
    }
  });
});
