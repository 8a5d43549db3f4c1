import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Workplace } from './support.ts';

describe('a registry without models', () => {
  let place: Workplace;
  before(() => {
    place = new Workplace();
    place.dataSet('clothes');
  });
  after(() => place.close());

  it('is said to be empty, and is not made by being looked at', async () => {
    const { status, stdout, stderr } = await place.run(['models', 'list']);

    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /no model in "\.\/\.kindred" yet/);
    assert.deepEqual(await place.json(['models', 'list']), { models: [], unfinished: [] });
    assert.deepEqual(await place.json(['jobs', 'list']), { jobs: [] });
    assert.deepEqual(await place.json(['datasets', 'list']), { datasets: [] });
  });

  it('is named by the flag, else by the environment, before or after the command', async () => {
    await place.run(['datasets', 'add', 'a', 'clothes', '--registry', 'one']);
    await place.run(['datasets', 'add', 'b', 'clothes'], { KINDRED_REGISTRY: place.in('two') });

    const names = async (args: string[], environment = {}): Promise<unknown> => {
      const { stdout } = await place.run([...args, '--json'], environment);
      return (JSON.parse(stdout) as { datasets: { dataset: string }[] }).datasets.map(
        ({ dataset }) => dataset,
      );
    };
    assert.deepEqual(await names(['datasets', 'list', '--registry', 'one']), ['a']);
    assert.deepEqual(await names(['--registry', 'one', 'datasets', 'list']), ['a']);
    assert.deepEqual(await names(['datasets', '--registry', 'one', 'list']), ['a']);
    assert.deepEqual(await names(['datasets', 'list'], { KINDRED_REGISTRY: 'two' }), ['b']);
    assert.deepEqual(await names(['datasets', 'list', '--registry', 'one'], { KINDRED_REGISTRY: 'two' }), [
      'a',
    ]);
    assert.deepEqual(await names(['datasets', 'list']), []);
  });

  it('takes pictures that decode, once, and names those that do not', async () => {
    mkdirSync(place.in('mixed', 'hat'), { recursive: true });
    writeFileSync(place.in('mixed', 'hat', 'broken.jpg'), 'no picture');
    place.dataSet('mixed', { classes: ['hat'], count: 2 });

    const first = await place.run(['datasets', 'add', 'mixed', 'mixed', '--json']);
    const again = await place.run(['datasets', 'add', 'mixed', 'mixed', '--json']);

    assert.equal(first.status, 1);
    assert.match(first.stderr, /"hat\/broken\.jpg"/);
    assert.equal((JSON.parse(first.stdout) as { added: number }).added, 2);
    assert.deepEqual(
      (({ added, unchanged }: { added: number; unchanged: number }) => [added, unchanged])(
        JSON.parse(again.stdout),
      ),
      [0, 2],
    );
    const [listed] = (
      await place.json<{ datasets: { files: number; classes: number }[] }>(['datasets', 'list'])
    ).datasets;
    assert.deepEqual([listed?.files, listed?.classes], [2, 1]);
  });

  it('ends with 1 and one line without a stack where something does not exist', async () => {
    const missing = [
      ['models', 'show', 'nothing'],
      ['models', 'promote', 'nothing@1'],
      ['jobs', 'show', '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
      ['classify', 'x.jpg'],
      ['gallery', 'list'],
      ['evaluate', 'clothes'],
      ['train', 'nowhere'],
      ['train', '--resume'],
    ];
    for (const args of missing) {
      const { status, stdout, stderr } = await place.run(args);
      assert.equal(status, 1, `${args.join(' ')}: ${stderr}`);
      assert.equal(stdout, '');
      assert.match(stderr, /^error: \S.*\n$/);
    }
  });

  it('shows where an error comes from when asked', async () => {
    const { status, stderr } = await place.run(['models', 'show', 'nothing', '--debug']);

    assert.equal(status, 1);
    assert.match(stderr, /NotFoundError: There is no model "nothing"[^]*\n\s+at /);
  });

  it('ends quietly when nobody reads the result', async () => {
    const { child, ended } = place.start(['models', 'list']);
    child.stdout?.destroy();

    const { status, stderr } = await ended;

    assert.deepEqual([status, stderr], [0, '']);
  });

  it('leaves no job behind for pictures that nothing can be learnt from', async () => {
    mkdirSync(place.in('useless', 'only'), { recursive: true });
    writeFileSync(place.in('useless', 'only', 'a.txt'), 'text');

    const { status, stderr } = await place.run(['train', 'useless']);

    assert.equal(status, 1);
    assert.match(stderr, /at least two classes/);
    assert.deepEqual(await place.json(['jobs', 'list']), { jobs: [] });
  });

  it('says how to get the pretrained weights when they are not there', async () => {
    const { status, stderr } = await place.run(['train', 'clothes'], { KINDRED_CACHE: place.in('empty') });

    assert.equal(status, 1);
    assert.match(stderr, /pretrained weights.*npm run setup/);
  });
});
