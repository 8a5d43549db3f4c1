import assert from 'node:assert/strict';
import { goProgram } from './go-programs.ts';
import { freePort, startServer } from './s3-server.ts';

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
  const control = await freePort();
  const program = await goProgram('toxiproxy');
  const stop = await startServer(program, control, { args: ['-host', '127.0.0.1', '-port', `${control}`] });
  const ask = async (method: string, path: string, body?: unknown): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${control}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.ok(answer.ok, `toxiproxy: ${await answer.text()}`);
  };
  const port = await freePort();
  const proxy = { name: 's3', listen: `127.0.0.1:${port}`, upstream: `127.0.0.1:${target}`, enabled: true };
  await ask('POST', '/proxies', proxy);
  return {
    port,
    add: (type, stream, attributes) => ask('POST', '/proxies/s3/toxics', { type, stream, attributes }),
    disable: () => ask('POST', '/proxies/s3', { ...proxy, enabled: false }),
    reset: () => ask('POST', '/reset'),
    stop,
  };
}
