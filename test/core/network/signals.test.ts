import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('programs/multiply.ts', import.meta.url));
const skip =
  process.platform === 'linux' ? false : 'which signals a thread holds back is told by /proc, on Linux';

/** Whether a thread holds back SIGINT, SIGTERM, SIGCHLD and SIGPROF. */
function holdsBack(status: string): boolean {
  const mask = BigInt(`0x${/^SigBlk:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const { SIGINT, SIGTERM, SIGCHLD, SIGPROF } = os.constants.signals;
  return [SIGINT, SIGTERM, SIGCHLD, SIGPROF].every((signal) => (mask >> BigInt(signal - 1)) & 1n);
}

// A handler that ran meanwhile would write over the heap, see scripts/setup/binding-patch.mjs.
it('Signals are held back while TensorFlow computes, and by its own threads', { skip }, async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-signals-'));
  const stop = path.join(folder, 'stop');
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, stop], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close');
  try {
    const threads = `/proc/${child.pid}/task`;
    const told = (thread: string, what: string): string =>
      readFileSync(path.join(threads, thread, what), 'utf8');
    const own = (): string[] =>
      readdirSync(threads).filter((thread) => told(thread, 'comm').startsWith('tf_Compute'));
    // It computes nearly all of the time, once it has begun to.
    while (own().length === 0 || !holdsBack(told(String(child.pid), 'status'))) {
      assert.equal(child.exitCode, null, said);
      await sleep(20);
    }
    for (const thread of own()) assert.ok(holdsBack(told(thread, 'status')), `TensorFlow's thread ${thread}`);
  } finally {
    writeFileSync(stop, '');
    const [status, signal] = (await ended) as [number | null, string | null];
    rmSync(folder, { recursive: true });
    assert.deepEqual([status, signal], [0, null], said);
  }
});
