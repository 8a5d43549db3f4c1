import { spawn } from 'node:child_process';

/** Variables added to a child's environment. */
export type Environment = Readonly<Record<string, string>>;

/** Runs a program and gives its stdout; when it fails, the error has the end of its stderr. */
export async function run(
  program: string,
  args: readonly string[],
  environment: Environment = {},
): Promise<string> {
  const env = { ...process.env, ...environment };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
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
  environment: Environment = {},
): Promise<Result> {
  const last = (await run(program, args, environment)).trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(last) as Result;
  } catch (cause) {
    throw new Error(`${program} ${args[0] ?? ''}: its last line is not JSON: ${last.slice(0, 200)}`, {
      cause,
    });
  }
}
