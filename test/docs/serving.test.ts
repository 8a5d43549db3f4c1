import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { SAMPLES, Workplace } from '../cli/support.ts';
import { missingPackages, pythonWith } from '../support/python.ts';
import { ROOT, codeBlocks, page } from './support.ts';

const run = promisify(execFile);
const LANGUAGES = new Set(['sh', 'python', 'ts']);

/** Pictures as the guide names them. */
function layOut(folder: string): void {
  for (const name of ['hat', 'pants', 'shoes']) {
    const source = path.join(SAMPLES, 'train', name);
    const files = readdirSync(source).toSorted();
    mkdirSync(path.join(folder, 'photos', name), { recursive: true });
    for (const [i, file] of files.slice(0, 4).entries()) {
      cpSync(path.join(source, file), path.join(folder, 'photos', name, `${i + 1}.jpg`));
    }
    if (name === 'hat') {
      cpSync(path.join(SAMPLES, 'train', 'skirt', someOf('skirt')), path.join(folder, 'skirt.jpg'));
      cpSync(path.join(SAMPLES, 'train', 'dress', someOf('dress')), path.join(folder, 'stranger.jpg'));
      cpSync(path.join(SAMPLES, 'train', 'dress', someOf('dress', 1)), path.join(folder, 'gown.jpg'));
    }
    // One that it knows, so that the answer does not hang on how good so small a model is.
    if (name === 'hat') cpSync(path.join(source, files[0] ?? ''), path.join(folder, 'new.jpg'));
  }
}

const someOf = (name: string, which = 0): string =>
  readdirSync(path.join(SAMPLES, 'train', name)).toSorted()[which] ?? '';

describe('the examples of the guides to serving and to ingest', () => {
  it('do what they say, one after the other', async (t) => {
    const withoutPython = await missingPackages('guides');
    if (withoutPython !== null) t.diagnostic(`The example in Python is not run: ${withoutPython}`);
    const workplace = new Workplace();
    try {
      layOut(workplace.folder);
      const server = workplace.start([
        'serve',
        '--registry',
        './.kindred',
        '--port',
        '0',
        '--json',
        '--unknown',
        '100',
      ]);
      const url = await new Promise<string>((resolve, reject) => {
        server.child.stdout?.on('data', (text: string) => resolve((JSON.parse(text) as { url: string }).url));
        server.ended.then(({ stderr }) => reject(new Error(stderr)), reject);
      });
      const outputs: string[] = [];
      for (const { language, code } of ['docs/serving.md', 'docs/ingest.md'].flatMap((file) =>
        codeBlocks(page(file)),
      )) {
        if (!LANGUAGES.has(language)) continue;
        if (language === 'python' && withoutPython !== null) {
          outputs.push('');
          continue;
        }
        outputs.push(await output(language, code.replaceAll('http://127.0.0.1:8787', url), workplace.folder));
      }
      server.child.kill('SIGTERM');
      assert.equal((await server.ended).status, 0);

      const [
        ,
        trained = '',
        asked = '',
        several = '',
        python = '',
        typescript = '',
        moved = '',
        uploaded = '',
        imported = '',
        ingested = '',
        corrected = '',
        labelled = '',
      ] = outputs;
      assert.match(trained, /^data: \{.*"state":"succeeded".*"promoted":true/);
      assert.deepEqual(classes(asked), ['hat']);
      const [form = '', embedding = '', verified = ''] = several.split(/(?<=\})(?=\{"model)/);
      assert.deepEqual(classes(form), ['hat', 'shoes']);
      assert.match(embedding, /"embedding":\[/);
      assert.match(verified, /"distance":[\d.]+.*"same":(?:true|false)/);
      if (withoutPython === null) assert.match(python, /^1 hat (True|False)$/m);
      assert.match(typescript, /^1 hat$/m);
      assert.match(moved, /"version":1,"revision":1,.*"notes":\[\]/);
      assert.match(uploaded, /"key":"datasets\/clothes\/hat\/new.jpg"/);
      assert.match(imported, /^data: \{.*"state":"succeeded".*"result":\{.*"added":0,"unchanged":\d+/);
      assert.match(
        ingested,
        /"models":\["clothes"\]\}\{"model".*"class":"skirt".*\}\{"key".*"models":\["clothes"\]\}$/,
      );
      assert.match(
        corrected,
        /"class":"dress","results":.*"outcome":"added".*"results":\[\{"image":"image","class":"dress"/,
      );
      assert.match(labelled, /"known":false.*"class":"dress","results":.*"outcome":"added"/);
    } finally {
      workplace.close();
    }
  });
});

function classes(answer: string): string[] {
  return (JSON.parse(answer) as { results: { class: string }[] }).results.map((result) => result.class);
}

async function output(language: string, code: string, cwd: string): Promise<string> {
  const { stdout } = await started(language, code, cwd);
  return stdout;
}

async function started(language: string, code: string, cwd: string): Promise<{ stdout: string }> {
  if (language === 'sh') return run('bash', ['-euo', 'pipefail', '-c', code], { cwd });
  if (language === 'python') return run(await pythonWith('guides'), ['-I', '-c', code], { cwd });
  const file = path.join(cwd, 'example.mts');
  writeFileSync(file, code.replace("'kindred/", `'${ROOT}`));
  return run(process.execPath, ['--import', import.meta.resolve('tsx'), file], { cwd });
}
