import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../../../core/random.ts';
import { confusedPairs, confusionOf } from '../../../../core/training/evaluation/confusion.ts';
import { confusionTable } from '../../../../core/training/evaluation/index.ts';
import { fitText, padText, textWidth } from '../../../../core/training/evaluation/text-width.ts';

const answers = [
  ['shirt', 'shirt'],
  ['shirt', 't-shirt'],
  ['shirt', 't-shirt'],
  ['dress', 'dress'],
  ['hat', 'shirt'],
].map(([name = '', predicted = '']) => ({ class: name, predicted }));

function randomAnswers(classes: number, each: number, name: (i: number) => string) {
  const random = new Random(classes);
  return Array.from({ length: classes * each }, (_, i) => ({
    class: name(i % classes),
    predicted: name(random.float() < 0.8 ? i % classes : random.below(classes)),
  }));
}

describe('confusion', () => {
  it('counts each pair of actual and answered class, labels sorted', () => {
    assert.deepEqual(confusionOf(answers), {
      labels: ['dress', 'hat', 'shirt', 't-shirt'],
      counts: [
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 1, 2],
        [0, 0, 0, 0],
      ],
    });
  });

  it('lists the confused pairs, most often first', () => {
    assert.deepEqual(confusedPairs(confusionOf(answers)), [
      { class: 'shirt', predicted: 't-shirt', count: 2, of: 3 },
      { class: 'hat', predicted: 'shirt', count: 1, of: 1 },
    ]);
  });
});

describe('the confusion as text', () => {
  it('is the matrix, columns bearing the numbers of the rows', () => {
    assert.equal(
      confusionTable(confusionOf(answers)),
      [
        '  is \\ told    1 2 3 4  right',
        '1 dress        1 . . .  100 %',
        '2 hat          . . 1 .    0 %',
        '3 shirt        . . 1 2   33 %',
        '4 t-shirt      . . . .      -',
        '',
      ].join('\n'),
    );
  });

  it('is the most confused pairs where the matrix does not fit, long names shortened in the middle', () => {
    const long = answers.map((one) => ({
      class: one.class.padStart(30, '_'),
      predicted: one.predicted.padStart(30, '-'),
    }));
    assert.equal(
      confusionTable(confusionOf(Array.from({ length: 1200 }, () => long).flat()), 60),
      [
        '6 classes, 0 of 6000 right (0 %). Confused most often:',
        '2400 of 3600  _________…___shirt told as ---------…-t-shirt',
        '1200 of 1200  _________…_____hat told as ---------…---shirt',
        '1200 of 1200  _________…___dress told as ---------…---dress',
        '1200 of 3600  _________…___shirt told as ---------…---shirt',
        '',
      ].join('\n'),
    );
  });

  it('fits 100 columns for any number of classes and any names', () => {
    const names: ((i: number) => string)[] = [
      (i) => `c${i}`,
      (i) => `Opera_Națională_Română_din_Cluj-Napoca_și_încă_un_nume_foarte_lung_${i}`,
      (i) => `中央車站東京駅中央車站東京駅中央車站東京駅中央車站東京駅中央車站東京駅 ${i}`,
      (i) => `👩‍👩‍👧‍👦🎭`.repeat(20) + i,
    ];
    for (const classes of [1, 2, 10, 36, 120]) {
      for (const name of names) {
        const table = confusionTable(confusionOf(randomAnswers(classes, 12, name)));
        for (const line of table.split('\n')) assert.ok(textWidth(line) <= 100, line);
      }
    }
  });

  it('says so when nothing was confused', () => {
    const perfect = randomAnswers(60, 1, (i) => `class ${i}`).map((one) => ({
      ...one,
      predicted: one.class,
    }));
    assert.equal(
      confusionTable(confusionOf(perfect)),
      '60 classes, 60 of 60 right (100 %). No class was confused with another.\n',
    );
  });

  it('cannot move the cursor or turn the text, whatever the names', () => {
    const hostile = randomAnswers(2, 3, (i) => `\u001b[2J\r\n\u202e${i}`);
    assert.match(confusionTable(confusionOf(hostile)), /^[^\p{Cc}\u202e]*$/mu);
    assert.equal(confusionTable(confusionOf(hostile)).split('\n').length, 4);
  });
});

describe('text widths', () => {
  it('count wide letters twice and combined signs once', () => {
    assert.deepEqual(['abc', 'ăș', 's\u0327', '東京', '👩‍👩‍👧', ''].map(textWidth), [3, 2, 1, 4, 2, 0]);
  });

  it('shorten in the middle, without cutting a sign apart', () => {
    assert.equal(fitText('abcdefghij', 7), 'abc…hij');
    assert.equal(fitText('東京東京東京', 6), '東…京');
    assert.equal(fitText('abc', 3), 'abc');
    assert.equal(padText('東京', 6), '東京  ');
  });
});
