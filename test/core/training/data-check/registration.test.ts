import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeImage } from '../../../../core/images/decode.ts';
import { mirrored, normalised, pyramid } from '../../../../core/training/data-check/pyramid.ts';
import type { Level } from '../../../../core/training/data-check/pyramid.ts';
import { likeness } from '../../../../core/training/data-check/registration.ts';
import { copies, samples } from './pictures.ts';

const levelsOf = async (bytes: Uint8Array): Promise<Level[]> =>
  pyramid((await decodeImage(bytes, { size: 64, fit: 'squash', kernel: 'linear' })).data, 64, 16);

describe('one picture laid over another', () => {
  const classes = ['hat', 'skirt', 'shoes', 'outwear'];
  const originals = classes.flatMap((name) => samples(name, 2).map(([, bytes]) => bytes));

  for (const [how, copy] of Object.entries(copies)) {
    it(`is the same when it was ${how}`, async () => {
      for (const bytes of originals) {
        const one = await levelsOf(bytes);
        const plain = await levelsOf(await copy(bytes));
        const other = how === 'mirrored' ? plain.map(mirrored) : plain;
        for (const value of [likeness(one, other), likeness(other, one)])
          assert.ok(value >= 0.98, `${value}`);
      }
    });
  }

  it('is not the same when it is another picture', async () => {
    const all = await Promise.all(originals.map(levelsOf));
    for (const [i, one] of all.entries()) {
      for (const other of all.slice(i + 1)) assert.ok(likeness(one, other) < 0.97);
    }
  });

  it('is itself', async () => {
    const one = await levelsOf(originals[0] as Buffer);
    assert.ok(Math.abs(likeness(one, one) - 1) < 1e-9);
  });
});

describe('a pyramid', () => {
  it('has the means of squares of pixels', () => {
    const rgb = Uint8Array.from({ length: 4 * 4 * 3 }, (_, i) => (i * 37) % 256);
    const [half] = pyramid(rgb, 4, 2);
    const at = (x: number, y: number, channel: number): number => rgb[(y * 4 + x) * 3 + channel] as number;
    const expected = [0, 1].flatMap((y) =>
      [0, 1].flatMap((x) =>
        [0, 1, 2].map((channel) => {
          const four = [0, 1].flatMap((dy) => [0, 1].map((dx) => at(2 * x + dx, 2 * y + dy, channel)));
          return four.reduce((a, b) => a + b) / 4;
        }),
      ),
    );
    assert.deepEqual([...(half?.values ?? [])], expected);
  });

  it('mirrored twice is what it was, and once is not', () => {
    const [level] = pyramid(
      Uint8Array.from({ length: 48 }, (_, i) => i),
      4,
      4,
    ) as [Level];
    const turned = mirrored(level);
    assert.deepEqual(turned.values.slice(0, 3), level.values.slice(9, 12));
    assert.deepEqual(mirrored(turned).values, level.values);
  });

  it('of one colour has nothing to compare', () => {
    const [flat] = pyramid(new Uint8Array(192).fill(255), 8, 8) as [Level];
    assert.equal(normalised(flat), null);
  });
});
