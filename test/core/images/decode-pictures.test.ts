import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidInputError, UnreadableImageError } from '../../../core/errors.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { decodePictures } from '../../../core/images/decode-pictures.ts';
import { png } from './encoders.ts';
import { squash } from './patterns.ts';

/** Pictures of shades 0, 1, 2 ..., of which some are not readable; `log` sees when each is read. */
function shades(
  count: number,
  unreadable: readonly number[] = [],
  log: (i: number) => void = () => {},
): Picture[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `a/${i}.png`,
    className: 'a',
    sha256: '',
    async read() {
      log(i);
      // The later ones are ready first.
      await new Promise((resolve) => setTimeout(resolve, (count - i) % 5));
      return unreadable.includes(i) ? Buffer.from('no') : png(1, 1, [i, i, i]);
    },
  }));
}

test('pictures come in their order, and an unreadable one comes with its error', async () => {
  const seen: (number | string)[] = [];
  for await (const { picture, pixels, error } of decodePictures(shades(12, [3, 7]), squash(1), {
    concurrency: 4,
  })) {
    if (pixels) seen.push(pixels.data[0]!);
    else {
      assert.ok(error instanceof UnreadableImageError);
      seen.push(picture.key);
    }
  }
  assert.deepEqual(seen, [0, 1, 2, 'a/3.png', 4, 5, 6, 'a/7.png', 8, 9, 10, 11]);
});

test('no more pictures are begun than may be in memory at once', async () => {
  let begun = 0;
  let taken = 0;
  for await (const _ of decodePictures(
    shades(20, [], () => begun++),
    squash(1),
    { concurrency: 3 },
  )) {
    taken++;
    assert.ok(begun - taken < 3, `${begun} begun, ${taken} taken`);
  }
  assert.equal(taken, 20);
});

test('a reader who stops early leaves nothing running', async () => {
  let begun = 0;
  for await (const _ of decodePictures(
    shades(20, [], () => begun++),
    squash(1),
    { concurrency: 3 },
  ))
    break;
  const atTheEnd = begun;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(begun, atTheEnd);
  assert.ok(begun <= 3);
});

test('a store that fails altogether ends it', async () => {
  const pictures = shades(5);
  pictures[2] = { ...pictures[2]!, read: () => Promise.reject(new Error('the network is down')) };
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const { picture } of decodePictures(pictures, squash(1), { concurrency: 2 }))
      seen.push(picture.key);
  }, /the network is down/);
  assert.deepEqual(seen, ['a/0.png', 'a/1.png']);
});

test('the limits hold here as well', async () => {
  for await (const { error } of decodePictures(shades(2), squash(1), { limits: { bytes: 3 } })) {
    assert.match(error!.message, /allowed are at most 3/);
  }
});

test('a concurrency that is no whole number from 1 on is an error of the caller', async () => {
  for (const concurrency of [0, 1.5, Number.NaN]) {
    await assert.rejects(decodePictures(shades(1), squash(1), { concurrency }).next(), InvalidInputError);
  }
});
