import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Picture } from '../../../../core/images/dataset.ts';
import { lowInformation } from '../../../../core/training/data-check/low-information.ts';

function findings(pictures: readonly Partial<Picture>[]): string[][] {
  const subjects = pictures.map((picture, i) => ({
    part: 'training' as const,
    picture: { key: `${i}`, className: 'a', sha256: '', read: () => Promise.reject(new Error()), ...picture },
  }));
  const material = { subjects, problems: [], nearDuplicates: [], twins: [], answers: null };
  return lowInformation.find(material as never).map((finding) => finding.pictures.map(({ key }) => key));
}

const plain = (value: number): Uint8Array => new Uint8Array(32 * 32 * 3).fill(value);

test('an image of one colour, or nearly so, is found', () => {
  const nearly = plain(90).map((value, i) => value + (i % 5));
  const coloured = plain(0).map((_, i) => [10, 200, 90][i % 3]!);
  const drawn = plain(255);
  drawn[500] = 100;
  const thumbnails = [plain(0), nearly, coloured, drawn].map((thumbnail) => ({ thumbnail }));
  assert.deepEqual(findings(thumbnails), [['0'], ['1'], ['2']]);
});

test('images whose range was stretched are found together, by their bits', () => {
  const ten = { levels: { black: 0, white: 1023 } };
  const heat = { levels: { black: 29_000, white: 31_000 } };
  const full = { levels: { black: 0, white: 65_535 } };
  assert.deepEqual(findings([ten, full, heat, ten, {}]), [['0', '3'], ['2']]);
});
