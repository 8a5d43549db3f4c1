import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FAST, Workplace } from './support.ts';

interface Answers {
  readonly engine: Readonly<Record<string, string>>;
  readonly results: readonly { readonly class?: string; readonly embedding?: number[] }[];
}

describe('the engine that embeds', () => {
  let place: Workplace;
  let pictures: string[];
  before(async () => {
    place = new Workplace();
    const folder = place.dataSet('clothes');
    pictures = readdirSync(folder).map((name) =>
      path.join(folder, name, readdirSync(path.join(folder, name)).toSorted()[0] ?? ''),
    );
    await place.json(['train', 'clothes', '--hold-out', '0', ...FAST]);
    writeFileSync(
      place.in('report.cjs'),
      `process.on('exit', () => {
         const { sharedObjects } = process.report.getReport();
         require('node:fs').writeFileSync(${JSON.stringify(place.in('loaded.json'))}, JSON.stringify(sharedObjects));
       });`,
    );
  });
  after(() => place.close());

  /** Runs a command; gives what it says, and which native libraries the process had loaded at its end. */
  async function loadedBy(
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<{ answers: Answers; libraries: string }> {
    const { status, stdout, stderr } = await place.run([...args, '--json'], {
      NODE_OPTIONS: `--require ${JSON.stringify(place.in('report.cjs'))}`,
      ...environment,
    });
    assert.equal(status, 0, stderr);
    const libraries = JSON.parse(readFileSync(place.in('loaded.json'), 'utf8')) as string[];
    return { answers: JSON.parse(stdout) as Answers, libraries: libraries.join('\n') };
  }

  const classesIn = ({ results }: Answers) => results.map((result) => result.class);

  it('is ONNX Runtime, and TensorFlow is not loaded to classify, to embed or to add to a gallery', async () => {
    const classified = await loadedBy(['classify', ...pictures]);
    const embedded = await loadedBy(['embed', ...pictures]);
    const added = await loadedBy(['gallery', 'add', 'new', pictures[0] ?? '']);

    for (const { libraries } of [classified, embedded, added]) {
      assert.match(libraries, /onnxruntime/);
      assert.doesNotMatch(libraries, /tensorflow/i);
    }
    assert.equal(classified.answers.engine['name'], 'onnxruntime');
    assert.deepEqual(classified.answers.engine, embedded.answers.engine);
    await place.run(['gallery', 'remove', '--class', 'new']);
  });

  it('is TensorFlow where that is asked for, by flag or environment, and ONNX Runtime is not loaded then', async () => {
    const expected = await loadedBy(['classify', ...pictures]);
    const byFlag = await loadedBy(['classify', ...pictures, '--engine', 'tfjs']);
    const byEnvironment = await loadedBy(['classify', ...pictures], { KINDRED_ENGINE: 'tfjs' });
    const flagFirst = await loadedBy(['classify', ...pictures, '--engine', 'onnx'], {
      KINDRED_ENGINE: 'tfjs',
    });

    for (const { answers, libraries } of [byFlag, byEnvironment]) {
      assert.equal(answers.engine['name'], 'tensorflow');
      assert.deepEqual(classesIn(answers), classesIn(expected.answers));
      assert.doesNotMatch(libraries, /onnxruntime/);
    }
    assert.equal(flagFirst.answers.engine['name'], 'onnxruntime');
  });

  it('reproduces the golden pictures when a version is verified', async () => {
    for (const engine of ['onnx', 'tfjs']) {
      const { damaged, skew } = await place.json(['models', 'show', '--verify', '--engine', engine]);
      assert.deepEqual({ damaged, skew }, { damaged: [], skew: null });
    }
  });

  it('is refused by an unknown name, naming those there are', async () => {
    const byFlag = await place.run(['classify', 'a.jpg', '--engine', 'gpu']);
    const byEnvironment = await place.run(['classify', 'a.jpg'], { KINDRED_ENGINE: 'gpu' });

    assert.deepEqual([byFlag.status, byEnvironment.status], [2, 2]);
    assert.match(byFlag.stderr, /onnx, tfjs/);
    assert.match(byEnvironment.stderr, /KINDRED_ENGINE is "gpu"; there are onnx and tfjs/);
  });
});
