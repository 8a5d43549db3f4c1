import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { lambdaTools } from './lambda-tools.ts';
import { answers, freePort } from './s3-server.ts';

export interface Emulator {
  /** What the function answers; one call after the other, since two at once end the emulator. */
  invoke(event: unknown): Promise<unknown>;
  /** What function and emulator have written. */
  readonly output: () => string;
  /** Milliseconds of the last initialisation of the function, by the emulator; null before the first call. */
  readonly initMs: () => number | null;
  stop(): Promise<void>;
}

export interface FunctionOptions {
  /** The unzipped package. */
  readonly folder: string;
  /** "module.export" */
  readonly handler: string;
  /** All that it sees of an environment, apart from what Lambda itself sets. */
  readonly environment: Readonly<Record<string, string>>;
  /** @default 30 */
  readonly timeoutSeconds?: number;
}

/** Starts the emulator with one function, which is loaded at the first call. Ask `missingLambdaTools` first. */
export async function startEmulator(options: FunctionOptions): Promise<Emulator> {
  const { folder, handler, environment, timeoutSeconds = 30 } = options;
  const { emulator, client } = await lambdaTools();
  const [port, api] = [await freePort(), await freePort()];
  const addresses = [
    `--runtime-interface-emulator-address=127.0.0.1:${port}`,
    `--runtime-api-address=127.0.0.1:${api}`,
  ];
  const child = spawn(emulator, [...addresses, process.execPath, client, handler], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      LAMBDA_TASK_ROOT: folder,
      AWS_LAMBDA_FUNCTION_TIMEOUT: String(timeoutSeconds),
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '2048',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'exit');
  // It ends the function, too; what is killed at once cannot.
  const end = (): void => void child.kill('SIGTERM');
  process.once('exit', end);
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`The emulator ended with ${child.exitCode}: ${output}`);
    await sleep(20);
  }
  let last: Promise<unknown> = Promise.resolve();
  return {
    invoke(event) {
      const mine = last.then(async () => {
        const url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`;
        const response = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
        const text = await response.text();
        try {
          return JSON.parse(text) as unknown;
        } catch {
          throw new Error(`The function gave no JSON (${response.status}): ${text}\n${output}`);
        }
      });
      last = mine.catch(() => undefined);
      return mine;
    },
    output: () => output,
    initMs: () => {
      const found = [...output.matchAll(/INIT REPORT\(durationMs: ([\d.]+)/g)].at(-1)?.[1];
      return found === undefined ? null : Number(found);
    },
    async stop() {
      process.removeListener('exit', end);
      end();
      await ended;
    },
  };
}
