import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ulid } from 'ulid';
import type { GalleryLog } from '../../../core/gallery/carry-over.ts';
import { Mirror } from '../../../core/gallery/mirror.ts';
import type { MirrorPlan } from '../../../core/gallery/mirror.ts';
import { renameClass } from '../../../core/gallery/operations.ts';
import { applySegments, createSegment } from '../../../core/gallery/segments.ts';
import type { SegmentEntry } from '../../../core/gallery/segments.ts';
import { Random } from '../../../core/random.ts';
import { galleryOfRows, sha256Of } from './support.ts';

const made = galleryOfRows([
  ['hat/1', [1, 0]],
  ['hat/2', [2, 0]],
  ['shoe/1', [0, 1]],
]);
const empty: GalleryLog = { made, segments: [] };
let time = 1_000_000;

function after(log: GalleryLog, entries: readonly SegmentEntry[]): GalleryLog {
  return { made, segments: [...log.segments, createSegment(made, entries, ulid(++time))] };
}

/** The log once the plan was carried out. */
function carriedOut(log: GalleryLog, plan: MirrorPlan | null): GalleryLog {
  if (plan === null) return log;
  const additions = plan.additions.map(({ picture }) => ({
    ...picture,
    embedding: new Float32Array([5, 5]),
  }));
  return after(log, [...plan.removals, ...additions, ...plan.seen]);
}

/** Follows the data set until there is no difference. */
function follow(log: GalleryLog, now: Readonly<Record<string, string | null>>): GalleryLog {
  const wanted = new Map(Object.entries(now).map(([path, name]) => [path, name && sha256Of(name)]));
  let last = log;
  for (let i = 0; i < 3; i++) last = carriedOut(last, new Mirror(last, 'wear').plan(wanted));
  assert.equal(new Mirror(last, 'wear').plan(wanted), null);
  return last;
}

const rows = ({ segments }: GalleryLog): string[] => {
  const { keys, sha256 } = applySegments(made, segments);
  return keys.map((key, i) => `${key} ${nameOf(sha256[i] ?? '')}`);
};

const names = ['hat/1', 'hat/2', 'shoe/1', 'A', 'B', 'C', 'D'];
const nameOf = (sum: string): string => names.find((name) => sha256Of(name) === sum) ?? '?';
const START = ['hat/1 hat/1', 'hat/2 hat/2', 'shoe/1 shoe/1'];

describe('a gallery as the mirror of a data set', () => {
  it('differs in nothing from what it was made from', () => {
    const now = new Map(made.keys.map((key) => [key, sha256Of(key)]));

    assert.equal(new Mirror(empty, 'wear').plan(now), null);
    assert.deepEqual([...new Mirror(empty, 'wear').paths()], [...made.keys]);
  });

  it('takes pictures up, replaces them and lets them go, once each', () => {
    const added = follow(empty, { 'hat/3': 'A', 'cap/1': 'B' });
    assert.deepEqual(rows(added), ['cap/1 B', 'hat/1 hat/1', 'hat/2 hat/2', 'hat/3 A', 'shoe/1 shoe/1']);

    const replaced = follow(added, { 'hat/3': 'C', 'hat/1': 'D' });
    assert.deepEqual(rows(replaced), ['cap/1 B', 'hat/1 D', 'hat/2 hat/2', 'hat/3 C', 'shoe/1 shoe/1']);

    const gone = follow(replaced, { 'hat/3': null, 'hat/1': null, 'cap/1': null });
    assert.deepEqual(rows(gone), ['hat/2 hat/2', 'shoe/1 shoe/1']);
    assert.deepEqual(rows(follow(gone, { 'hat/1': 'hat/1' })), START);
  });

  it('has a picture once that the data set has twice, until both are gone', () => {
    const twice = follow(follow(empty, { 'hat/3': 'A' }), { 'hat/4': 'A' });
    assert.deepEqual(rows(twice), [...START.slice(0, 2), 'hat/3 A', 'shoe/1 shoe/1']);

    const once = follow(twice, { 'hat/3': null });
    assert.deepEqual(rows(once), rows(twice));
    const plan = new Mirror(twice, 'wear').plan(new Map([['hat/3', null]]));
    assert.deepEqual([...(plan?.stay ?? [])], [[sha256Of('A'), 'datasets/wear/hat/4']]);

    assert.deepEqual(rows(follow(once, { 'hat/4': null })), START);
  });

  it('has a picture under each class that the data set has it under', () => {
    const both = follow(empty, { 'hat/3': 'A', 'cap/3': 'A' });
    assert.deepEqual(rows(both), ['cap/3 A', 'hat/1 hat/1', 'hat/2 hat/2', 'hat/3 A', 'shoe/1 shoe/1']);
    assert.deepEqual(rows(follow(both, { 'cap/3': null })), rows(follow(empty, { 'hat/3': 'A' })));
  });

  it('takes no class for renamed when its last picture moves to another one in the data set', () => {
    const moved = follow(empty, { 'shoe/1': null, 'boot/1': 'shoe/1' });
    assert.deepEqual(rows(moved), ['boot/1 shoe/1', ...START.slice(0, 2)]);

    assert.deepEqual(rows(follow(moved, { 'shoe/2': 'A' })), [
      'boot/1 shoe/1',
      ...START.slice(0, 2),
      'shoe/2 A',
    ]);
  });

  it('puts pictures under the name that their class was given in the gallery', () => {
    const renamed = after(empty, renameClass(made, 'shoe', 'footwear').entries);

    const added = follow(renamed, { 'shoe/2': 'A' });
    assert.deepEqual(rows(added), ['footwear/1 shoe/1', 'footwear/2 A', ...START.slice(0, 2)]);

    assert.deepEqual(rows(follow(added, { 'shoe/1': null })), ['footwear/2 A', ...START.slice(0, 2)]);
  });

  it('puts pictures into the class that they are for, however its name is spelled in Unicode', () => {
    const [composed, decomposed] = ['é'.normalize('NFC'), 'é'.normalize('NFD')];
    const first = follow(empty, { [`${decomposed}/1`]: 'A' });
    assert.deepEqual(rows(first).slice(-1), [`${composed}/1 A`], 'a new one is composed');

    const both = follow(first, { [`${composed}/2`]: 'B', [`${decomposed}/3`]: 'C' });
    assert.deepEqual(rows(both).slice(-3), [`${composed}/1 A`, `${composed}/2 B`, `${composed}/3 C`]);
    const gone = follow(both, { [`${decomposed}/1`]: null, [`${decomposed}/3`]: null });
    assert.deepEqual(rows(gone).slice(-1), [`${composed}/2 B`]);
  });

  it('leaves alone what people changed, until the data set changes there', () => {
    const moved = after(empty, [
      { op: 'remove', key: 'hat/1' },
      {
        op: 'add',
        key: 'cap/1',
        class: 'cap',
        sha256: sha256Of('hat/1'),
        embedding: new Float32Array([1, 0]),
      },
      { op: 'remove', key: 'hat/2' },
      { op: 'add', key: 'cap/9', class: 'cap', sha256: sha256Of('B'), embedding: new Float32Array([9, 0]) },
    ]);
    const same = { 'hat/1': 'hat/1', 'hat/2': 'hat/2', 'shoe/1': 'shoe/1' };
    assert.deepEqual(rows(follow(moved, same)), ['cap/1 hat/1', 'cap/9 B', 'shoe/1 shoe/1']);

    const gone = follow(moved, { 'hat/1': null, 'hat/2': null });
    assert.deepEqual(rows(gone), ['cap/9 B', 'shoe/1 shoe/1'], 'what was moved goes, what was added stays');

    const shared = follow(moved, { 'cap/3': 'B' });
    assert.deepEqual(rows(shared), rows(moved));
    assert.deepEqual(rows(follow(shared, { 'cap/3': null })), rows(moved), 'it was added by somebody');
  });

  it('adds nothing to a picture that somebody has said the one class of, and leaves it when the data set lets it go', () => {
    const embedding = new Float32Array([9, 0]);
    const said = after(empty, [
      { op: 'add', alone: true, key: 'cap/9', class: 'cap', sha256: sha256Of('B'), embedding },
    ]);

    const followed = follow(said, { 'hat/3': 'B', 'hat/4': 'A' });
    assert.deepEqual(rows(followed), ['cap/9 B', ...START.slice(0, 2), 'hat/4 A', 'shoe/1 shoe/1']);
    assert.deepEqual(rows(follow(followed, { 'hat/3': null, 'hat/4': null })), rows(said));
    // Somebody who knew nothing of it wrote the same later.
    const unaware = after(said, [
      { op: 'add', key: 'hat/3', class: 'hat', sha256: sha256Of('B'), embedding },
      { op: 'seen', key: 'datasets/wear/hat/3', sha256: sha256Of('B') },
    ]);
    assert.deepEqual(rows(follow(unaware, { 'hat/3': null })), rows(said));
  });

  it('knows only its own data set, and what came from it', () => {
    const other = new Mirror(empty, 'other', 'wear');

    assert.deepEqual([...other.paths()], []);
    const plan = other.plan(new Map([['hat/1', sha256Of('hat/1')]]));
    assert.deepEqual([plan?.additions, plan?.removals.length], [[], 0]);
  });

  it('takes up what is new in a log, and says when it cannot', () => {
    const first = follow(empty, { 'hat/3': 'A' });
    const mirror = new Mirror(first, 'wear');
    const second = follow(first, { 'hat/3': 'B' });

    assert.equal(mirror.follow(second), true);
    assert.equal(mirror.seen('hat/3'), sha256Of('B'));
    assert.equal(mirror.follow(first), false);
  });

  it('ends the same whatever the order of what happened, in 200 random histories', () => {
    const random = new Random(5);
    const pick = <T>(from: readonly T[]): T => from[random.below(from.length)] as T;
    for (let round = 0; round < 200; round++) {
      const state: Record<string, string | null> = { 'hat/1': 'hat/1', 'hat/2': 'hat/2', 'shoe/1': 'shoe/1' };
      let log = empty;
      for (let step = 0; step < 8; step++) {
        const path = pick(['hat/1', 'hat/2', 'hat/3', 'shoe/1', 'shoe/2', 'cap/1']);
        state[path] = pick([null, 'A', 'B', 'hat/1', 'shoe/1']);
        if (random.float() < 0.6) log = follow(log, state);
      }
      log = follow(log, state);

      const expected = Object.entries(state).flatMap(([path, name]) =>
        name === null ? [] : [`${path.split('/')[0]} ${name}`],
      );
      const got = rows(log).map((row) => row.replace(/\/.* /, ' '));
      assert.deepEqual(got.toSorted(), [...new Set(expected)].toSorted(), JSON.stringify(state));
    }
  });
});
