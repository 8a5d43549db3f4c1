import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import path from 'node:path';
import { promisify } from 'node:util';
import { serveCommand } from '../../cli/commands/serve.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { Workplace } from '../cli/support.ts';
import { colours } from '../functions/support.ts';
import { ROOT, codeBlocks, page, tableUnder } from './support.ts';

const run = promisify(execFile);
const guide = page('docs/operating.md');

describe('the guide to operating', () => {
  let workplace: Workplace;
  let outputs: string[];
  let metrics: string;
  let status: number | null;
  before(async () => {
    workplace = new Workplace();
    await colours(openRegistry(fsStore(path.join(workplace.folder, '.kindred'))));
    const command = `kindred() { ${process.execPath} ${path.join(ROOT, 'bin/kindred.mjs')} "$@"; }\n`;
    const [first = '', ...others] = codeBlocks(guide)
      .filter(({ language }) => language === 'sh')
      .map(({ code }) => command + code);
    const shell = async (code: string): Promise<string> =>
      (await run('bash', ['-euo', 'pipefail', '-c', code], { cwd: workplace.folder })).stdout;
    await shell(first);
    const server = workplace.start(['serve', '--tokens', '--model', 'colours', '--port', '0', '--json']);
    const url = await new Promise<string>((resolve, reject) => {
      server.child.stdout?.on('data', (text: string) => resolve((JSON.parse(text) as { url: string }).url));
      server.ended.then(({ stderr }) => reject(new Error(stderr)), reject);
    });
    outputs = [];
    for (const code of others) outputs.push(await shell(code.replaceAll('http://127.0.0.1:8787', url)));
    const authorization = `Bearer ${readFileSync(path.join(workplace.folder, 'prometheus.token'), 'utf8').trim()}`;
    metrics = await (await fetch(`${url}/metrics`, { headers: { authorization } })).text();
    server.child.kill('SIGTERM');
    status = (await server.ended).status;
  });
  after(() => workplace.close());

  it('is about a server that tells where to read on, and that there is no model yet', async () => {
    const server = workplace.start(['serve', '--registry', './empty', '--port', '0']);
    const told = await new Promise<string>((resolve, reject) => {
      let text = '';
      server.child.stdout?.on('data', (more: string) => {
        text += more;
        if (text.split('\n').length > 3) resolve(text);
      });
      server.ended.then(({ stdout, stderr }) => reject(new Error(stdout + stderr)), reject);
    });
    server.child.kill('SIGTERM');
    await server.ended;
    assert.match(
      told,
      /^Kindred answers at (\S+) .*\nWhat can be asked: \1\/docs\nThere is no model there yet/,
    );
  });

  it('is about tokens that hold until a day, or have no end', async () => {
    await workplace.start(['tokens', 'create', 'endless', '--scope', 'read']).ended;
    const { stdout } = await workplace.start(['tokens', 'list']).ended;
    assert.match(stdout, /endless .* no end$/m);
    assert.match(stdout, /prometheus .* 20\d\d-\d\d-\d\d \d\d:\d\d$/m);
  });

  it('has examples that do what it says', () => {
    assert.match(
      outputs.join(''),
      /"status":"ok".*"status":"ready".*kindred_version_loaded\{model="colours",version="1"\} 1\n$/s,
    );
    assert.equal(status, 0);
  });

  it('lists every option of the server with its default', () => {
    const expected = serveCommand()
      .options.filter(({ hidden }) => !hidden)
      .map(({ flags, defaultValue }) => [
        `\`${flags}\``,
        defaultValue === undefined || defaultValue === '' ? '' : `\`${String(defaultValue)}\``,
      ]);

    const told = tableUnder(guide, '## Options of `kindred serve`');

    assert.deepEqual(
      told.map((cells) => cells.slice(0, 2)),
      expected,
    );
  });

  it('lists every metric', () => {
    const names = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);

    const told = tableUnder(guide, '## What it tells').map(([name = '']) => name.replaceAll('`', ''));

    assert.deepEqual(new Set(told), new Set(names));
    assert.equal(told.length, names.length);
  });
});
