import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Workplace } from './support.ts';

describe('the command line', () => {
  let place: Workplace;
  before(() => {
    place = new Workplace();
  });
  after(() => place.close());

  it('lists every command in its help, on stdout', async () => {
    const { status, stdout, stderr } = await place.run(['--help']);

    assert.equal(status, 0);
    assert.equal(stderr, '');
    const commands = [
      'train',
      'classify',
      'embed',
      'evaluate',
      'models',
      'gallery',
      'datasets',
      'jobs',
      'doctor',
    ];
    for (const command of commands) assert.match(stdout, new RegExp(`^  ${command}\\b`, 'm'));
  });

  it('has a help of its own for every subcommand', async () => {
    const groups = [
      ['models', ['list', 'show', 'compare', 'promote', 'rollback', 'history', 'delete', 'export', 'import']],
      ['datasets', ['list', 'add', 'check', 'delete']],
      ['gallery', ['list', 'add', 'remove', 'rename', 'merge', 'export', 'import']],
    ] as const;
    for (const [group, commands] of groups) {
      const { status, stdout } = await place.run([group, '--help']);
      assert.equal(status, 0);
      for (const command of commands) assert.match(stdout, new RegExp(`^  ${command}\\b`, 'm'));
    }
  });

  const wrong: readonly (readonly [what: string, args: string[], message: RegExp])[] = [
    ['an unknown command', ['trian', 'x'], /unknown command 'trian'\n\(Did you mean train\?\)/],
    ['an unknown subcommand', ['models', 'lst'], /Did you mean list/],
    ['an unknown flag', ['train', '--epoch', '3'], /unknown option '--epoch'\n\(Did you mean --epochs\?\)/],
    ['a missing argument', ['classify'], /missing required argument 'image'/],
    ['too many arguments', ['models', 'show', 'a', 'b'], /too many arguments/],
    ['no command', [], /Usage: kindred/],
    ['a group without a command', ['gallery'], /Usage: kindred gallery/],
    ['a number that is none', ['classify', 'x', '--top', '0'], /whole number from 1/],
    ['a share out of range', ['train', 'x', '--hold-out', '1.5'], /share from 0 to less than 1/],
    ['a choice that there is not', ['classify', 'x', '--point', 'sloppy'], /strict, balanced, lenient/],
    ['a registry that there cannot be', ['models', 'list', '--registry', 'ftp://x'], /unknown scheme "ftp"/],
    [
      'a version in place of a model',
      ['serve', '--model', 'a@1', '--port', '0'],
      /a@1 names a version; .*: a\./,
    ],
    ['an address with a path', ['serve', '--public-url', 'https://a/b', '--port', '0'], /a host and no path/],
    ['a model that there cannot be', ['models', 'show', 'A B'], /not a model reference/],
    ['no data set', ['train'], /Name the data set/],
    [
      'an option of another recipe',
      ['train', '.', '--batch-size', '8'],
      /has no option "batchSize"[^]*stepsPerEpoch=/,
    ],
    ['an option out of range', ['train', '.', '--margin', '-1'], /margin cannot be -1/],
    [
      'a recipe that there is not',
      ['train', '.', '--recipe', 'siameze'],
      /no recipe named "siameze".*metric, fast, siamese/,
    ],
    ['an option without a value', ['train', '.', '--option', 'margin'], /not KEY=VALUE/],
    [
      'an option given twice',
      ['train', '.', '--margin', '1', '--option', 'margin=2'],
      /margin is given twice/,
    ],
    ['the best of nothing', ['train', '.', '--best'], /--best is for --resume/],
  ];
  for (const [what, args, message] of wrong) {
    it(`ends with 2 and the usage on stderr for ${what}`, async () => {
      const { status, stdout, stderr } = await place.run(args);

      assert.equal(status, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, message);
      assert.match(stderr, /Usage: kindred/);
      assert.doesNotMatch(stderr, /^\s+at /m);
    });
  }

  it('loads no TensorFlow for what needs none', async () => {
    const marker = place.in('loaded');
    writeFileSync(
      place.in('spy.cjs'),
      `process.on('exit', () => {
        const loaded = Object.keys(require.cache).filter((file) => file.includes('tfjs'));
        if (loaded.length > 0) require('node:fs').writeFileSync(${JSON.stringify(marker)}, loaded.join());
      });`,
    );
    const environment = { NODE_OPTIONS: `--require=${place.in('spy.cjs')}` };
    for (const args of [
      ['--help'],
      ['models', 'list'],
      ['jobs', 'list'],
      ['datasets', 'list'],
      ['train', '--help'],
      ['train', '--option', 'help'],
    ]) {
      assert.equal((await place.run(args, environment)).status, 0);
      assert.equal(existsSync(marker), false, args.join(' '));
    }
    await place.run(['doctor'], environment);
    assert.equal(existsSync(marker), true, 'the spy sees what is loaded');
  });

  it('lists the options of a recipe with their defaults', async () => {
    const { status, stdout } = await place.run(['train', '--recipe', 'siamese', '--option', 'help']);

    assert.equal(status, 0);
    for (const line of ['margin=0.5', 'batchSize=32', 'learningRate=0.000001', 'miner=close-distance']) {
      assert.ok(stdout.includes(line), line);
    }
  });
});
