import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readGallery } from '../../core/gallery/arrow.ts';
import { digest } from '../../core/images/picture.ts';
import { FAST, type Outcome, SAMPLES, Workplace } from './support.ts';

interface Trained {
  readonly model: string;
  readonly version: number;
  readonly recipe: string;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly seconds: number;
}

interface Answer {
  readonly image: string;
  readonly class: string;
  readonly distance: number;
  readonly neighbours: readonly { readonly class: string; readonly distance: number; readonly key: string }[];
}

interface Change {
  readonly keys: readonly string[];
  readonly unchanged: number;
}

describe('a model trained on the command line', () => {
  let place: Workplace;
  let outcome: Outcome;
  const picture = (className: string, at = 0): string => {
    const folder = place.in('clothes', 'train', className);
    return path.join(folder, readdirSync(folder).toSorted()[at] ?? '');
  };
  before(async () => {
    place = new Workplace();
    place.dataSet('clothes/train');
    place.dataSet('clothes/test', { part: 'test', count: 2 });
    outcome = await place.run([
      'train',
      'clothes/train',
      '--test',
      'clothes/test',
      ...FAST,
      '--json',
      '--seed',
      '3',
    ]);
  });
  after(() => place.close());

  it('is the one JSON document on stdout; the progress is on stderr', () => {
    assert.equal(outcome.status, 0, outcome.stderr);
    const { model, version, recipe, metrics, seconds } = JSON.parse(outcome.stdout) as Trained;
    assert.deepEqual([model, version, recipe], ['clothes', 1, 'metric']);
    assert.equal(typeof metrics['accuracy'], 'number');
    assert.equal(metrics['testImages'], 6);
    assert.ok(seconds > 0);
    assert.match(outcome.stderr, /^publishing$/m);
    assert.doesNotMatch(outcome.stderr, /[\r\u001b]/);
  });

  it('shows where it comes from, its parameters and its files', async () => {
    const shown = await place.json(['models', 'show']);
    const { stdout } = await place.run(['models', 'show', 'clothes@1', '--verify']);

    assert.deepEqual(shown['aliases'], ['production']);
    assert.equal(shown['seed'], 3);
    assert.equal((shown['recipe'] as { options: { size: number } }).options.size, 64);
    assert.match(stdout, /^trainable parameters +[\d,]+$/m);
    assert.match(stdout, /^embedding\.onnx +[\d.]+ [kM]B +[0-9a-f]{64}$/m);
  });

  it('gives its report as a file, and says how to open it', async () => {
    const told = await place.run(['models', 'report', 'clothes', '--out', 'clothes.html']);
    const json = await place.json<{ file: string; address: string; size: number }>(['models', 'report']);
    const shown = await place.run(['models', 'show', 'clothes@1']);

    const report = readFileSync(place.in('clothes.html'), 'utf8');
    assert.equal(told.status, 0, told.stderr);
    assert.match(told.stdout, /^Open it in a browser: .*clothes\.html\n {2}or file:\/\/\/.*clothes\.html$/m);
    assert.match(report, /^<!doctype html>\s+<html lang="en">/);
    assert.match(report, /<title>clothes, version 1: Kindred report<\/title>/);
    assert.equal(path.basename(json.file), 'clothes-1.html');
    assert.equal(json.address, pathToFileURL(json.file).href);
    assert.deepEqual(readFileSync(json.file, 'utf8'), report);
    assert.match(shown.stdout, /kindred models report clothes@1$/m);
  });

  it('gives a training picture its own class at distance 0, and names its file', async () => {
    const { model, version, results } = await place.json<{
      model: string;
      version: number;
      results: Answer[];
    }>(['classify', picture('hat'), picture('shoes'), '--top', '2']);

    assert.deepEqual([model, version], ['clothes', 1]);
    assert.deepEqual(
      results.map((answer) => answer.class),
      ['hat', 'shoes'],
    );
    for (const { image, distance, neighbours } of results) {
      assert.ok(distance < 1e-6, String(distance));
      assert.equal(neighbours.length, 2);
      assert.equal(path.basename(neighbours[0]?.key ?? ''), path.basename(image));
    }
  });

  it('answers the other pictures when one is bad, and ends with 1', async () => {
    writeFileSync(place.in('text.jpg'), 'no picture');
    const images = [picture('hat'), 'missing.jpg', 'clothes', 'text.jpg', picture('pants')];

    const { status, stdout, stderr } = await place.run(['classify', ...images, '--json']);

    assert.equal(status, 1);
    const { results } = JSON.parse(stdout) as {
      results: { image: string; class?: string; error?: string }[];
    };
    assert.deepEqual(
      results.map(({ image }) => image),
      images,
    );
    assert.deepEqual(
      results.map((result) => result.class ?? 'error'),
      ['hat', 'error', 'error', 'error', 'pants'],
    );
    assert.match(results[1]?.error ?? '', /no such file/);
    assert.match(results[2]?.error ?? '', /folder/);
    assert.match(stderr, /"missing\.jpg": there is no such file/);
  });

  it('is evaluated as table, picture and JSON', async () => {
    const told = await place.run(['evaluate', 'clothes/test', '--svg', 'confusion.svg']);
    const evaluation = await place.json(['evaluate', 'clothes/test', '--unknown', 'clothes/train']);

    assert.equal(told.status, 0, told.stderr);
    assert.match(told.stdout, /^Accuracy [\d.]+ %: \d of 6 test pictures right/m);
    assert.match(told.stdout, /1 hat/);
    assert.match(readFileSync(place.in('confusion.svg'), 'utf8'), /^<svg\s[^]*<\/svg>\s*$/);
    const fields = [
      'model',
      'version',
      'images',
      'accuracy',
      'macroAccuracy',
      'recallAt',
      'mapAtR',
      'confusion',
      'unknown',
      'baseline',
    ];
    for (const field of fields) assert.ok(field in evaluation, field);
    assert.match(told.stdout, /^Untrained backbone [\d.]+ %: \d of 6 /m);
    assert.match(
      told.stdout,
      /^Difference [+-]?[\d.]+ points \(95 % interval .*; exact McNemar p [=<] [\d.]+\)/m,
    );
    const { images, galleryPictures, modelAccuracy } = evaluation['baseline'] as Record<string, number>;
    assert.deepEqual([images, galleryPictures, modelAccuracy], [6, 12, evaluation['accuracy']]);
    assert.equal(evaluation['images'], 6);
  });

  it('embeds pictures, and so does the pretrained network alone', async () => {
    type Embedded = { results: { image: string; embedding: number[] }[] };
    const own = await place.json<Embedded>(['embed', picture('hat')]);
    const pooled = await place.json<Embedded>(['embed', picture('hat'), '--backbone']);
    const { status } = await place.run(['embed', picture('hat'), picture('pants'), '--out', 'two.arrow']);

    assert.equal(own.results[0]?.embedding.length, 16);
    assert.equal(pooled.results[0]?.embedding.length, 2048);
    assert.ok(
      pooled.results[0]?.embedding.every((value) => value >= 0),
      'after a rectifier nothing is negative',
    );
    assert.equal(status, 0);
    assert.equal(readFileSync(place.in('two.arrow')).subarray(0, 6).toString(), 'ARROW1');
  });

  it('learns a new class without training, and forgets it', async () => {
    const skirts = path.join(SAMPLES, 'test', 'skirt');
    const [first = '', second = ''] = readdirSync(skirts).map((file) => path.join(skirts, file));

    const added = await place.json<Change>(['gallery', 'add', 'фуста 裙', first, second]);
    const again = await place.json<Change>(['gallery', 'add', 'фуста 裙', first]);
    const { results } = await place.json<{ results: Answer[] }>(['classify', first]);
    await place.json(['gallery', 'rename', 'фуста 裙', 'skirt']);
    await place.json(['gallery', 'merge', 'skirt', 'hat', '--into', 'both']);
    const merged = await place.json<{ classes: { class: string; pictures: number }[] }>(['gallery', 'list']);
    await place.json(['gallery', 'export', 'gallery.arrow']);
    await place.json(['gallery', 'remove', '--class', 'both']);
    const left = await place.json<{ classes: { class: string }[] }>(['gallery', 'list']);

    assert.equal(added.keys.length, 2);
    assert.deepEqual([again.keys.length, again.unchanged], [0, 1]);
    assert.equal(results[0]?.class, 'фуста 裙');
    assert.deepEqual(merged.classes, [
      { class: 'both', pictures: 6 },
      { class: 'pants', pictures: 4 },
      { class: 'shoes', pictures: 4 },
    ]);
    assert.equal(readGallery(readFileSync(place.in('gallery.arrow'))).keys.length, 14);
    assert.deepEqual(
      left.classes.map((each) => each.class),
      ['pants', 'shoes'],
    );
  });

  it('takes pictures of a folder into its gallery, and of none twice', async () => {
    place.dataSet('more', { classes: ['skirt'], part: 'test', count: 2 });

    const first = await place.json<Change>(['gallery', 'import', 'more']);
    const again = await place.json<Change>(['gallery', 'import', 'more']);
    writeFileSync(place.in('more', 'skirt', 'broken.jpg'), 'no picture');
    const broken = await place.run(['gallery', 'import', 'more']);

    assert.deepEqual([first.keys.length, first.unchanged], [2, 0]);
    assert.deepEqual([again.keys.length, again.unchanged], [0, 2]);
    assert.equal(broken.status, 1);
    assert.match(broken.stderr, /skirt\/broken\.jpg/);
  });

  it('is compared with the untrained backbone on images that came later too, as far as they are stored', async () => {
    const dresses = path.join(SAMPLES, 'test', 'dress');
    const dress = path.join(dresses, readdirSync(dresses)[0] ?? '');
    await place.json(['gallery', 'add', 'dress', dress]);
    rmSync(place.in('.kindred', 'blobs', digest(readFileSync(dress))));
    const { classes } = await place.json<{ classes: { class: string; pictures: number }[] }>([
      'gallery',
      'list',
    ]);

    const { status, stdout, stderr } = await place.run(['evaluate', 'clothes/test']);

    const pictures = classes.reduce((sum, each) => sum + each.pictures, 0);
    assert.equal(status, 0, stderr);
    assert.ok(classes.some((each) => each.class === 'skirt'));
    assert.match(
      stdout,
      new RegExp(`^1 picture of the gallery came later.* From the other ${pictures - 1} alone`, 'm'),
    );
  });

  it('is promoted, rolled back, exported and deleted, and its history tells', async () => {
    await place.json([
      'train',
      'clothes/train',
      ...FAST,
      '--seed',
      '3',
      '--no-promote',
      '--model',
      'clothes',
    ]);
    // The bytes of one image are gone.
    const held = await place.run(['models', 'promote', 'clothes@2']);
    await place.json(['models', 'promote', 'clothes@2', '--why', 'to try', '--force']);
    await place.json(['models', 'rollback', 'clothes']);
    const { history } = await place.json<{ history: { version: number; why: string }[] }>([
      'models',
      'history',
      'clothes',
    ]);
    const used = await place.run(['models', 'delete', 'clothes@1']);
    const unused = await place.run(['models', 'delete', 'clothes@2']);
    await place.json(['models', 'export', 'clothes@1', 'out.tar']);

    assert.deepEqual(
      history.map(({ version }) => version),
      [1, 2, 1],
    );
    assert.equal(held.status, 1);
    assert.match(held.stderr, /1 image .*"dress\/.*--force/);
    assert.match(history[1]?.why ?? '', /^to try; not compared with version 1: no picture is left/);
    assert.equal(used.status, 1);
    assert.match(used.stderr, /in use by "production"/);
    assert.equal(unused.status, 0);
    assert.ok(existsSync(place.in('out.tar')));
  });

  it('lets no name of a file steer the terminal', async () => {
    const hostile = 'hat\u001b[2J\u009b31m.jpg';
    mkdirSync(place.in('hostile'));
    writeFileSync(place.in('hostile', hostile), readFileSync(picture('hat')));

    const told = await place.run([
      'classify',
      path.join('hostile', hostile),
      path.join('hostile', `no-${hostile}`),
    ]);
    const json = await place.run(['classify', path.join('hostile', hostile), '--json']);
    const scanned = await place.run(['gallery', 'import', '.']);

    const steering = /[^\n\P{Cc}]/u;
    for (const { stdout, stderr } of [told, json, scanned]) assert.doesNotMatch(stdout + stderr, steering);
    assert.equal(told.status, 1);
    const { results } = JSON.parse(json.stdout) as { results: Answer[] };
    assert.equal(results[0]?.image, path.join('hostile', hostile));
  });
});
