import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapeLine, escapeText, toJson } from '../../cli/output/escape.ts';
import {
  bytes,
  count,
  counted,
  decimal,
  duration,
  moment,
  percent,
  settings,
} from '../../cli/output/format.ts';
import { timeLeft } from '../../cli/output/progress.ts';
import { registryFlag, shellQuoted } from '../../cli/output/shell.ts';
import { facts, table } from '../../cli/output/table.ts';
import { typedOptions } from '../../cli/training/options.ts';

const HOSTILE = 'a\u001b[31m\u009b2J\r\n\t\u007f\u202e\u2028b';

describe('text for the terminal', () => {
  it('keeps every character that steers from getting there', () => {
    assert.equal(escapeLine(HOSTILE), String.raw`a\x1b[31m\x9b2J\r\n\t\x7f\u202e\u2028b`);
    assert.equal(escapeText('a\nb\r'), 'a\nb\\r');
    assert.equal(
      escapeLine('Cluj-Napoca, 日本, ‏שלום, 👩‍👩‍👧, e\u0301'),
      'Cluj-Napoca, 日本, ‏שלום, 👩‍👩‍👧, e\u0301',
    );
  });

  it('is JSON that parses to the same value and steers nothing', () => {
    const value = { [HOSTILE]: [HOSTILE, '\ud800', 1.5, null] };

    const text = toJson(value);

    assert.deepEqual(JSON.parse(text), value);
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cs}\u2028\u202e]/u);
  });

  it('stands in columns whatever script it is in', () => {
    const rows = [
      ['日本', '1'],
      ['abcd', '20'],
    ];

    const text = table([{ title: 'N' }, { title: 'C', align: 'right' }], rows);

    assert.equal(text, 'N      C\n日本   1\nabcd  20\n');
    assert.equal(facts({ a: '1', long: null, bcd: '2' }), 'a    1\nbcd  2\n');
  });

  it('has numbers as people read them', () => {
    assert.equal(count(60510720), '60,510,720');
    assert.deepEqual([counted(1, 'picture'), counted(0, 'class', 'classes')], ['1 picture', '0 classes']);
    assert.deepEqual([percent(0.8266), percent(1)], ['82.7 %', '100.0 %']);
    assert.deepEqual(
      [decimal(0), decimal(1.23456), decimal(0.00001), decimal(123.456)],
      ['0.0000', '1.2346', '1.00e-5', '123.46'],
    );
    assert.deepEqual([duration(1.25), duration(75), duration(7260)], ['1.3 s', '1 min 15 s', '2 h 1 min']);
    assert.deepEqual([bytes(12), bytes(3560), bytes(1.07e8)], ['12 B', '3.6 kB', '107 MB']);
    assert.equal(moment('2026-07-01T12:34:56.789Z'), '2026-07-01 12:34');
    assert.equal(settings({ a: 1, b: 'x', c: [1, 2] }), 'a=1 b=x c=[1,2]');
  });

  it('tells the time left from what is done, once that can be said', () => {
    assert.equal(timeLeft(10, 5, 20), '40 s left');
    assert.deepEqual([timeLeft(0.1, 1, 20), timeLeft(10, 0, 20), timeLeft(10, 20, 0)], ['', '', '']);
  });

  it('quotes what is to be typed into a shell', () => {
    assert.deepEqual(['a/b.jpg', "it's", ''].map(shellQuoted), ['a/b.jpg', "'it'\\''s'", "''"]);
    assert.deepEqual(
      [registryFlag('./.kindred'), registryFlag('/my models')],
      ['', " --registry '/my models'"],
    );
  });
});

describe('options of a recipe', () => {
  it('are read from flags and pairs, as numbers, lists, truths and words', () => {
    const options = typedOptions({
      epochs: '3',
      learningRate: '1e-5',
      option: ['steps-per-epoch=7', 'scales=1,0.5', 'miner=random', 'on=true', 'note=a=b'],
    });

    assert.deepEqual(options, {
      epochs: 3,
      learningRate: 1e-5,
      stepsPerEpoch: 7,
      scales: [1, 0.5],
      miner: 'random',
      on: true,
      note: 'a=b',
    });
  });

  it('cannot reach behind the object they are kept in', () => {
    const options = typedOptions({ option: ['__proto__=1'] });

    assert.deepEqual(Object.keys(options), ['__proto__']);
    assert.equal(Object.getPrototypeOf(options), Object.prototype);
  });
});
