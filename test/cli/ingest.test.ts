import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { dataSetNow, galleryNow, put, trainedOn } from '../core/ingest/following.ts';
import { picture } from '../core/registry/colours.ts';
import { Workplace } from './support.ts';
import type { Running } from './support.ts';

describe('a data set that a model in production was trained on', () => {
  const workplace = new Workplace();
  let registry: Registry;
  before(async () => {
    registry = openRegistry(fsStore(workplace.in('registry')));
    await trainedOn(registry, ['red', 'green'], 2);
  });
  after(() => workplace.close());

  const sync = async (...flags: string[]) => {
    const args = ['gallery', 'sync', 'colours', '--registry', workplace.in('registry'), '--json', ...flags];
    const { status, stdout, stderr } = await workplace.start(args).ended;
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as { pictures: number; changes: { key: string; outcome: string }[] };
  };

  async function served(): Promise<Running & { url: string }> {
    const server = workplace.start([
      'serve',
      '--registry',
      workplace.in('registry'),
      '--port',
      '0',
      '--look',
      '1',
      '--json',
    ]);
    const url = await new Promise<string>((resolve, reject) => {
      server.child.stdout?.on('data', (text: string) => resolve((JSON.parse(text) as { url: string }).url));
      server.ended.then(({ stderr }) => reject(new Error(stderr)), reject);
    });
    return { ...server, url };
  }

  it('is followed by the gallery, also when the server is killed right after it has answered', async () => {
    const killed = await served();
    const at = (className: string, file: string) =>
      `${killed.url}/v1/datasets/colours/images/${className}/${file}`;
    for (const [className, n, file] of [
      ['blue', 1, '1.png'],
      ['red', 9, '0.png'],
      ['red', 8, '8.png'],
    ] as const) {
      const body = new Uint8Array(await (await picture(className, n)).read());
      const { status } = await fetch(at(className, file), {
        method: 'PUT',
        body,
        headers: { 'content-type': 'image/png' },
      });
      assert.equal(status, 200);
    }
    assert.equal((await fetch(at('green', '1.png'), { method: 'DELETE' })).status, 200);
    killed.child.kill('SIGKILL');
    await killed.ended;

    const next = await served();
    const until = Date.now() + 180_000;
    const agree = async (): Promise<boolean> =>
      (await galleryNow(registry)).join() === (await dataSetNow(registry)).join();
    while (Date.now() < until && !(await agree())) await sleep(100);
    next.child.kill('SIGTERM');
    assert.equal((await next.ended).status, 0);

    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
    assert.deepEqual((await sync()).changes, []);
  });

  it('is compared with the gallery by a command', async () => {
    await put(registry, 'blue', 5);
    await put(registry, 'red', 12, '0.png');

    const names = await sync('--names');
    const content = await sync();

    const told = [names, content].map(({ pictures, changes }) => [
      pictures,
      ...changes.map(({ key, outcome }) => `${key} ${outcome}`),
    ]);
    assert.deepEqual(told, [
      [6, 'datasets/colours/blue/5.png added'],
      [6, 'datasets/colours/red/0.png replaced'],
    ]);
    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
  });
});
