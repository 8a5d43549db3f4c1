import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Program {
  readonly child: ChildProcess;
  /** The next line that it prints, or null at its end. */
  line(): Promise<string | null>;
  /** Sends it a line. */
  tell(line: string): void;
  /** All further lines, once it has ended by itself with status 0. */
  finish(): Promise<string[]>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
}

/** Starts a TypeScript program of the tests in a Node process of its own. */
export function start(
  program: URL,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(program), ...args], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (piece: Buffer) => (complaints += piece.toString()));
  child.stdin.on('error', () => undefined); // it may be gone already
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'close');

  async function line(): Promise<string | null> {
    const next = await lines.next();
    return next.done ? null : next.value;
  }

  async function finish(): Promise<string[]> {
    const rest: string[] = [];
    for (let next = await line(); next !== null; next = await line()) rest.push(next);
    await ended;
    assert.equal(child.exitCode, 0, complaints);
    return rest;
  }

  async function kill(): Promise<void> {
    child.kill('SIGKILL');
    await ended;
  }

  return { child, line, tell: (text) => child.stdin.write(`${text}\n`), finish, kill };
}

/** Starts as many programs as there are argument lists, lets them go at the same moment, and gives what each prints. */
export async function race(
  program: URL,
  args: readonly (readonly string[])[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string[][]> {
  const programs = args.map((list) => start(program, list, environment));
  for (const each of programs) assert.equal(await each.line(), 'ready');
  for (const each of programs) each.tell('go');
  return Promise.all(programs.map((each) => each.finish()));
}

/** In such a program: says that it is ready and waits for the word. */
export async function ready(): Promise<void> {
  console.log('ready');
  await once(process.stdin, 'data');
  process.stdin.destroy();
}
