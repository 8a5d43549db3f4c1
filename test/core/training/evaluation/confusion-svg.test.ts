import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { confusionOf } from '../../../../core/training/evaluation/confusion.ts';
import { confusionSvg } from '../../../../core/training/evaluation/index.ts';
import { runPython } from '../../../support/python.ts';

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='alert(1)",
  ']]><!--&amp;&#x0;',
  'Opera_Națională_Română_din_Cluj-Napoca 東京 🎭',
  'control \u0001\u000b\ufffe and half \ud800',
];

function everyPair(names: readonly string[]) {
  return confusionOf(names.flatMap((name) => names.map((predicted) => ({ class: name, predicted }))));
}

/** Python's own XML parser: what elements there are, and all text in them. */
async function parse(svg: string): Promise<{ elements: string[]; attributes: string[]; texts: string[] }> {
  return JSON.parse(
    await runPython(
      `import sys, json, xml.etree.ElementTree as tree
root = tree.fromstring(sys.argv[1])
nodes = list(root.iter())
print(json.dumps({"elements": sorted({n.tag.split("}")[1] for n in nodes}),
  "attributes": sorted({a for n in nodes for a in n.attrib}), "texts": [n.text or "" for n in nodes]}))`,
      [svg],
    ),
  ) as { elements: string[]; attributes: string[]; texts: string[] };
}

describe('the confusion as an image', () => {
  it('is well-formed XML with no element, attribute or address from class names, and every name whole', async () => {
    const { elements, attributes, texts } = await parse(
      confusionSvg(everyPair(hostile), { title: '<b>&', id: 'a"b' }),
    );
    assert.deepEqual(elements, ['desc', 'g', 'path', 'rect', 'svg', 'text', 'title']);
    assert.ok(attributes.every((name) => !name.startsWith('on') && !name.includes('href')));
    for (const name of hostile.slice(0, 5)) assert.ok(texts.includes(name), name);
    assert.ok(texts.includes('control \ufffd\ufffd\ufffd and half \ufffd'));
  });

  it('says in words what it shows', async () => {
    const confusion = confusionOf([
      { class: 'shirt', predicted: 't-shirt' },
      { class: 'shirt', predicted: 'shirt' },
      { class: 't-shirt', predicted: 't-shirt' },
    ]);
    const { texts } = await parse(confusionSvg(confusion, { title: 'Clothing' }));
    assert.ok(texts.includes('Clothing'));
    assert.ok(
      texts.includes(
        'A matrix of 2 classes: rows are the actual classes, columns the predicted ones. 2 of 3 images are right (67 %). Most confused: shirt predicted as t-shirt, 1 of 2.',
      ),
    );
    assert.ok(texts.includes('shirt predicted as t-shirt: 1 of 2 (50 %)'));
  });

  it('colours a cell by its share of the row: right ones and wrong ones in a hue each, empty ones not at all', async () => {
    const answers = [...Array<string>(9).fill('a'), 'b'].map((predicted) => ({ class: 'a', predicted }));
    const svg = confusionSvg(confusionOf([...answers, { class: 'b', predicted: 'a' }]));
    const { data, info } = await sharp(Buffer.from(svg))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixel = (x: number, y: number): number[] => [
      ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
    ];
    const [left, top] = /M(\d+) (\d+)h/.exec(svg)?.slice(1).map(Number) ?? [];
    assert.ok(left !== undefined && top !== undefined);
    const corner = (row: number, column: number): number[] =>
      pixel(left + column * 44 + 6, top + row * 44 + 6);
    const [right, slip, wrong, empty] = [corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1)] as [
      number[],
      number[],
      number[],
      number[],
    ];
    assert.ok((right[1] ?? 0) > (right[0] ?? 0), 'right answers are green');
    assert.ok((wrong[0] ?? 0) > (wrong[1] ?? 0) && (slip[0] ?? 0) > (slip[1] ?? 0), 'mistakes are orange');
    assert.ok((wrong[1] ?? 0) < (slip[1] ?? 0), 'a whole row of mistakes is stronger than one in ten');
    assert.deepEqual(empty, [255, 255, 255]);
  });

  it('is drawn for 1, 10, 36 and 120 classes, large enough to tell the cells apart', async () => {
    for (const classes of [1, 10, 36, 120]) {
      const names = Array.from({ length: classes }, (_, i) => `class ${i}`);
      const { width, height } = await sharp(Buffer.from(confusionSvg(everyPair(names)))).metadata();
      assert.ok(width >= classes * 10 && height >= classes * 10 && width < 3000);
    }
  });
});
