import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FAST, Workplace } from './support.ts';

interface Answer {
  readonly image: string;
  readonly class: string;
  readonly distance: number;
  readonly known: boolean | null;
  readonly threshold: number | null;
  readonly margin: number | null;
}

interface Point {
  readonly threshold: number;
  readonly binds: string;
  readonly targetFalseRejection: number;
  readonly targetFalseAcceptance: number | null;
  readonly falseRejection: number;
  readonly falseAcceptance: number;
}

interface Shown {
  readonly points: Readonly<Record<'strict' | 'balanced' | 'lenient', Point>>;
  readonly metrics: Readonly<Record<string, number>>;
}

describe('known and unknown on the command line', () => {
  let place: Workplace;
  let told: string;
  const picture = (folder: string): string =>
    path.join(folder, readdirSync(place.in(folder)).toSorted()[0] ?? '');
  const asked = async (...flags: readonly string[]): Promise<Answer> => {
    const { results } = await place.json<{ results: Answer[] }>(['classify', picture('test/hat'), ...flags]);
    assert.ok(results[0]);
    return results[0];
  };

  before(async () => {
    place = new Workplace();
    place.dataSet('train', { count: 6 });
    place.dataSet('test', { part: 'test', count: 2 });
    place.dataSet('strangers', { part: 'test', classes: ['skirt', 'dress'], count: 3 });
    const rates = ['--false-rejection', '0.3', '--false-acceptance', '0.25'];
    const trained = await place.run([
      'train',
      'train',
      '--test',
      'test',
      '--model',
      'clothes',
      ...FAST,
      ...rates,
    ]);
    assert.equal(trained.status, 0, trained.stderr);
    told = trained.stdout;
  });
  after(() => place.close());

  it('are told at the end of a training: thresholds, what they gave, what they aim at, what they rest on', () => {
    assert.match(told, /^POINT +THRESHOLD +KNOWN CALLED UNKNOWN +STRANGERS CALLED KNOWN$/m);
    assert.match(told, /^balanced +[\d.]+ +[\d.]+ % \([\d.]+ to [\d.]+ %\), aim 30\.0 %/m);
    assert.match(
      told,
      /^Measured on 18 pictures as if they were new, and 18 times as if the whole class were\.$/m,
    );
    assert.match(told, /^So few pictures cannot vouch for what lenient aims at: .* up to 5\.3 %/m);
  });

  it('are stored with the version, with the rates that were asked for', async () => {
    const { points, metrics } = await place.json<Shown>(['models', 'show']);
    const { jobs } = await place.json<{ jobs: { request: Record<string, unknown> }[] }>(['jobs', 'list']);

    assert.deepEqual(
      [points.balanced.targetFalseRejection, points.strict.targetFalseAcceptance],
      [0.3, 0.25],
    );
    assert.equal(metrics['balancedFalseRejectionTarget'], 0.3);
    assert.deepEqual([jobs[0]?.request['falseRejection'], jobs[0]?.request['falseAcceptance']], [0.3, 0.25]);
  });

  it('follow from the point, a rate or a threshold that a call chooses', async () => {
    const { points } = await place.json<Shown>(['models', 'show']);
    const balanced = await asked();
    const lenient = await asked('--point', 'lenient');
    const rejecting = await asked('--false-rejection', '0.3');
    const accepting = await asked('--false-acceptance', '0.25');
    const strictest = await asked('--threshold', '0');

    assert.equal(balanced.threshold, points.balanced.threshold);
    assert.equal(rejecting.threshold, points.balanced.threshold);
    assert.equal(lenient.threshold, points.lenient.threshold);
    assert.ok((accepting.threshold ?? 0) >= points.strict.threshold);
    assert.deepEqual([strictest.known, strictest.threshold, strictest.class], [false, 0, balanced.class]);
    for (const { known, distance, threshold } of [balanced, rejecting, accepting]) {
      assert.equal(known, distance <= (threshold ?? Number.NaN));
    }
  });

  it('cannot be chosen in two ways at once, or out of range', async () => {
    for (const flags of [
      ['--point', 'strict', '--threshold', '1'],
      ['--false-rejection', '0.1', '--false-acceptance', '0.1'],
      ['--threshold', '-1'],
      ['--false-rejection', '5'],
    ]) {
      const { status, stdout } = await place.run(['classify', picture('test/hat'), ...flags]);
      assert.deepEqual([status, stdout], [2, ''], flags.join(' '));
    }
  });

  it('are shown readably: a row a class, and in its place what is unknown or cannot be read', async () => {
    writeFileSync(place.in('text.jpg'), 'no picture');
    const images = [picture('test/hat'), 'text.jpg', picture('test/shoes')];
    const known = await place.run(['classify', ...images, '--threshold', '4', '--top', '2']);
    const unknown = await place.run(['classify', images[0] ?? '', '--threshold', '0.0001', '--top', '1']);

    assert.equal(known.status, 1);
    const lines = known.stdout.trimEnd().split('\n');
    assert.equal(lines.length, 3 + 1 + 3);
    assert.match(
      lines[0] ?? '',
      /^test\/hat\/\S+: \w+ {2}\(distance [\d.]+(?: to its (?:mean|3 nearest on average))?, known up to 4\.0000, margin [\d.]+, confidence [\d.]+ %\)$/,
    );
    for (const line of [...lines.slice(1, 3), ...lines.slice(5)]) {
      assert.match(line, /^ +[\d.]+ {2}\w+ +\w+\/\S+\.jpg$/);
    }
    assert.match(lines[3] ?? '', /^text\.jpg: no answer: it is plain text/);
    assert.match(
      unknown.stdout,
      /^test\/hat\/\S+: unknown: nearest is \w+ at [\d.]+ > 0\.0001 {2}\(margin [\d.]+, confidence [\d.]+ %\)$/m,
    );
  });

  it('are evaluated on pictures of no class, beside what each point aims at', async () => {
    const command = ['evaluate', 'test', '--unknown', 'strangers'];
    const { unknown, accuracy } = await place.json<{
      accuracy: number;
      unknown: { images: number; auroc: number; falseAcceptanceAt95: number; oscr: number } & Shown;
    }>(command);
    const { stdout } = await place.run(command);

    assert.equal(unknown.images, 6);
    for (const share of [unknown.auroc, unknown.falseAcceptanceAt95]) assert.ok(share >= 0 && share <= 1);
    assert.ok(unknown.oscr <= accuracy);
    assert.equal(unknown.points.balanced.targetFalseRejection, 0.3);
    assert.match(
      stdout,
      /^6 pictures of no class: AUROC [\d.]+, open-set rate [\d.]+; [\d.]+ % are called known/m,
    );
    assert.match(stdout, /^POINT +THRESHOLD +KNOWN CALLED UNKNOWN +UNKNOWN CALLED KNOWN +WRONG ANSWERS/m);
    assert.match(stdout, /^strict +[\d.]+ +.*aim (25|30)\.0 %/m);
  });

  it('cannot be told apart where no class has two pictures, and that is said', async () => {
    place.dataSet('single', { count: 1 });
    const trained = await place.run(['train', 'single', '--hold-out', '0', '--model', 'single', ...FAST]);
    const { stdout, stderr } = await place.run(['classify', picture('test/hat'), '--model', 'single']);
    const rate = await place.run([
      'classify',
      picture('test/hat'),
      '--model',
      'single',
      '--false-rejection',
      '0.1',
    ]);

    assert.equal(trained.status, 0, trained.stderr);
    assert.match(trained.stdout, /^No thresholds: no class has two different pictures/m);
    assert.match(stdout, /\(distance [\d.]+, no threshold, margin/);
    assert.match(stderr, /single@1 has no threshold, so nothing is called unknown/);
    assert.equal(rate.status, 1);
    assert.match(rate.stderr, /No rate can be chosen/);
  });
});
