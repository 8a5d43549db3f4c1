import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { withTemporaryFolder } from '../../scripts/setup/temporary.mjs';
import { root, temporaryFolder } from './support.ts';

/** A process that fills a temporary folder for ever, once it has said so. */
async function startFilling(t: TestContext, cache: string): Promise<ReturnType<typeof spawn>> {
  const program = `
    import { writeFileSync } from 'node:fs';
    import { watchSignals } from './scripts/setup/cleanup.mjs';
    import { withTemporaryFolder } from './scripts/setup/temporary.mjs';
    watchSignals();
    await withTemporaryFolder(${JSON.stringify(cache)}, async (folder) => {
      writeFileSync(folder + '/half', 'half a download');
      process.stdout.write('ready');
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

test('A temporary folder is gone after the work, also when the work fails', async (t) => {
  const cache = temporaryFolder(t);
  let used = '';

  const work = withTemporaryFolder(cache, async (folder) => {
    used = folder;
    writeFileSync(path.join(folder, 'file'), 'x');
    return Promise.reject(new Error('no luck'));
  });

  await assert.rejects(work, /no luck/);
  assert.equal(existsSync(used), false);
});

test('What a terminated set-up leaves is removed by itself', async (t) => {
  const cache = temporaryFolder(t);
  const child = await startFilling(t, cache);

  child.kill('SIGTERM');
  const [status] = (await once(child, 'exit')) as [number];

  assert.equal(status, 143);
  assert.deepEqual(readdirSync(path.join(cache, 'tmp')), []);
});

test('What a killed set-up leaves is removed by the next one, which leaves alone what a running one has', async (t) => {
  const cache = temporaryFolder(t);
  const running = await startFilling(t, cache);
  const killed = await startFilling(t, cache);
  killed.kill('SIGKILL');
  await once(killed, 'exit');

  const during = await withTemporaryFolder(cache, async () =>
    Promise.resolve(readdirSync(path.join(cache, 'tmp'))),
  );

  const owners = during.map((name) => Number(name.split('.').at(-2)));
  assert.deepEqual(new Set(owners), new Set([process.pid, running.pid]));
});
