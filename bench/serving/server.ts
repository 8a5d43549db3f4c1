import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../bin/kindred.mjs', import.meta.url));
const run = promisify(execFile);

/** `kindred serve` as users start it, in a process of its own. */
export class Server {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** @returns the server, and the seconds from its start to its first answer */
  static async start(
    registry: string,
    model: string,
    picture: Uint8Array,
  ): Promise<{ server: Server; seconds: number }> {
    const port = await freePort();
    const began = performance.now();
    const child = spawn(
      process.execPath,
      [PROGRAM, 'serve', '--registry', registry, '--model', model, '--port', String(port), '--rate', '0'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let told = '';
    child.stderr.on('data', (text: Buffer) => (told = `${told}${text.toString()}`.slice(-4000)));
    const server = new Server(`http://127.0.0.1:${port}`, child);
    for (;;) {
      if (child.exitCode !== null) throw new Error(`kindred serve ended: ${told}`);
      const status = await server.classify(picture).catch(() => 0);
      if (status === 200) return { server, seconds: (performance.now() - began) / 1000 };
      if (status !== 0) throw new Error(`kindred serve answers ${status}: ${told}`);
      await sleep(5);
    }
  }

  /** @returns the status, when the whole answer is there */
  async classify(picture: Uint8Array, agent = this.#agent): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = request(`${this.url}/v1/classify`, { method: 'POST', agent }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', reject);
      });
      asked.on('error', reject);
      asked.end(picture);
    });
  }

  /** Bytes of the process in memory. */
  async residentBytes(): Promise<number> {
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(this.#child.pid)]);
    return Number(stdout) * 1024;
  }

  /** SIGTERM. @returns the seconds until the process has ended */
  async end(): Promise<number> {
    const began = performance.now();
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
    this.#agent.destroy();
    return (performance.now() - began) / 1000;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
