import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { describe, it } from 'node:test';
import { openRegistry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { Workplace } from '../cli/support.ts';
import { picture } from '../core/registry/colours.ts';
import { colours } from './support.ts';

/** Asks again and again over one connection, until no new one can be made. @returns what came of each */
async function askOnAndOn(
  url: string,
  body: Uint8Array,
  onOutcome: () => void,
): Promise<(number | string)[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const outcomes: (number | string)[] = [];
  for (;;) {
    const outcome = await new Promise<number | string>((resolve) => {
      const asked = request(`${url}/v1/classify`, { method: 'POST', agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', (error) => resolve(error.message));
      });
      asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      asked.end(body);
    });
    if (outcome === 'ECONNREFUSED') return outcomes;
    outcomes.push(outcome);
    onOutcome();
  }
}

describe('a server that is told to end', () => {
  it('fails no request that was sent to it, and ends by itself', async () => {
    const workplace = new Workplace();
    try {
      await colours(openRegistry(fsStore(path.join(workplace.folder, '.kindred'))));
      const server = workplace.start(['serve', '--registry', './.kindred', '--port', '0', '--json']);
      const url = await new Promise<string>((resolve, reject) => {
        server.child.stdout?.on('data', (text: string) => resolve((JSON.parse(text) as { url: string }).url));
        server.ended.then(({ stderr }) => reject(new Error(stderr)), reject);
      });
      const body = await (await picture('red', 1)).read();

      let left = 40;
      const onOutcome = (): void => void (--left === 0 && server.child.kill('SIGTERM'));
      const asking = Array.from({ length: 8 }, () => askOnAndOn(url, body, onOutcome));
      const outcomes = (await Promise.all(asking)).flat();

      assert.deepEqual([...new Set(outcomes)], [200]);
      assert.ok(outcomes.length >= 40);
      assert.equal((await server.ended).status, 0);
    } finally {
      workplace.close();
    }
  });
});
