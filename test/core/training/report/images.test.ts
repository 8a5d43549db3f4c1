import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NotFoundError } from '../../../../core/errors.ts';
import type { Picture } from '../../../../core/images/dataset.ts';
import { smallCopies } from '../../../../core/training/report/images.ts';
import { normals } from '../../../support/numbers.ts';
import { png } from '../../images/encoders.ts';

/** Noise, which no format makes small. */
const noise = (seed: number): Uint8Array =>
  png(
    60,
    60,
    Uint8Array.from(normals(60 * 60 * 3, seed), (x) => 128 + 40 * x),
  );

const pictureOf = (key: string, read: Picture['read']): Picture => ({
  key,
  className: 'a',
  sha256: '',
  read,
});

const files = new Map(
  [1, 2, 3, 4].map((seed) => [`a/${seed}`, pictureOf(`a/${seed}`, () => Promise.resolve(noise(seed)))]),
);
const wanted = [...files.keys()].map((key) => ({ part: 'test' as const, key }));

describe('the small copies of a report', () => {
  it('are WebP files in the page itself', async () => {
    const pictures = await smallCopies(wanted, ({ key }) => files.get(key));

    for (const name of wanted) {
      const { address = '', width, height } = pictures(name) ?? {};
      assert.match(address, /^data:image\/webp;base64,[A-Za-z0-9+/]+=*$/);
      assert.deepEqual([width, height], [60, 60]);
    }
  });

  it('are as many as there is room for, the first ones', async () => {
    const all = await smallCopies(wanted, ({ key }) => files.get(key));
    const size = (key: string): number => all({ part: 'test', key })?.address.length ?? 0;
    const room = size('a/1') + size('a/2') + 10;

    const pictures = await smallCopies(wanted, ({ key }) => files.get(key), room);

    const shown = wanted.map((name) => pictures(name) !== null);
    assert.deepEqual(shown, [true, true, false, false]);
  });

  it('count as often as they are shown', async () => {
    const all = await smallCopies(wanted, ({ key }) => files.get(key));
    const room = 3.5 * (all({ part: 'test', key: 'a/1' })?.address.length ?? 0);
    const [first, second] = wanted as [(typeof wanted)[0], (typeof wanted)[0]];

    const pictures = await smallCopies([first, first, first, second], ({ key }) => files.get(key), room);

    assert.deepEqual([pictures(first) !== null, pictures(second)], [true, null]);
  });

  it('do without pictures that are gone or damaged, and without those nobody knows', async () => {
    const broken = new Map([
      ['a/1', pictureOf('a/1', () => Promise.reject(new NotFoundError('gone')))],
      ['a/2', pictureOf('a/2', () => Promise.resolve(new TextEncoder().encode('no picture')))],
    ]);

    const pictures = await smallCopies(wanted, ({ key }) => broken.get(key));

    for (const name of wanted) assert.equal(pictures(name), null);
  });

  it('tell pictures of one name apart by where they are from', async () => {
    const names = [
      { part: 'test' as const, key: 'a/1' },
      { part: 'training' as const, key: 'a/1' },
    ];
    const pictures = await smallCopies(names, ({ part }) => files.get(part === 'test' ? 'a/1' : 'a/2'));

    const [one, other] = names.map((name) => pictures(name)?.address);
    assert.notEqual(one, other);
  });
});
