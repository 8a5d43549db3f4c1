import assert from 'node:assert/strict';
import { goProgram } from './go-programs.ts';
import { startServer } from './s3-server.ts';

/** A proxy that spoils connections in between; see toxiproxy's own list of toxics. */
export interface Toxiproxy {
  readonly port: number;
  /** Spoils all connections from now on. */
  add(type: string, stream: 'upstream' | 'downstream', attributes: Record<string, number>): Promise<void>;
  /** As if the server were gone. */
  disable(): Promise<void>;
  /** Everything passes again. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts toxiproxy before a port of this machine. */
export async function startToxiproxy(target: number): Promise<Toxiproxy> {
  const program = await goProgram('toxiproxy');
  const { port: control, stop } = await startServer(program, (free) => [
    '-host',
    '127.0.0.1',
    '-port',
    `${free}`,
  ]);
  const ask = async (method: string, path: string, body?: unknown): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${control}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const said = await answer.text();
    assert.ok(answer.ok, `toxiproxy: ${said}`);
    return said;
  };
  const wanted = { name: 's3', listen: '127.0.0.1:0', upstream: `127.0.0.1:${target}`, enabled: true };
  const proxy = JSON.parse(await ask('POST', '/proxies', wanted)) as typeof wanted;
  const port = Number(proxy.listen.split(':').at(-1));
  return {
    port,
    async add(type, stream, attributes) {
      await ask('POST', '/proxies/s3/toxics', { type, stream, attributes });
    },
    async disable() {
      const { listen, upstream } = proxy;
      await ask('POST', '/proxies/s3', { listen, upstream, enabled: false });
    },
    async reset() {
      await ask('POST', '/reset');
    },
    stop,
  };
}
