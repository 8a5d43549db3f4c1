import { spawn } from 'node:child_process';

/** Runs a program with its output on stderr, and gives its stdout; fails with what it printed when it fails. */
export async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const status = await new Promise<number | string>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new Error(`${program} does not start: ${cause.message}`, { cause }));
    });
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  if (status === 0) return Buffer.concat(out).toString('utf8');
  const tail = Buffer.concat(err).toString('utf8').trimEnd().split('\n').slice(-15).join('\n');
  throw new Error(`${[program, ...args].join(' ')} ended with ${status}:\n${tail}`);
}

/** As `run`, for a program whose last line on stdout is a JSON document of the form `Result`. */
export async function runJson<Result>(
  program: string,
  args: readonly string[],
  cwd?: string,
): Promise<Result> {
  const last = (await run(program, args, cwd)).trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(last) as Result;
  } catch (cause) {
    throw new Error(`${program} ${args[0] ?? ''}: its last line is not JSON: ${last.slice(0, 200)}`, {
      cause,
    });
  }
}
