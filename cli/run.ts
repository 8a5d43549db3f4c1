import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { KindredError } from '../core/errors.ts';
import { escapeText } from './output/escape.ts';
import { buildProgram, usageLines } from './program.ts';
import { UsageError } from './usage.ts';

/** What the process ends with. */
export const DONE = 0;
export const FAILED = 1;
export const WRONG_USAGE = 2;

/** Runs one command line; the outcome is the process' exit status, and an error is on stderr. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = buildProgram();
  let acting: Command = program;
  program.hook('preAction', (_, command) => {
    acting = command;
  });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = failure(error, acting, argv.includes('--debug'));
  }
}

function failure(error: unknown, command: Command, debug: boolean): number {
  // Commander has printed its own errors, and help is none.
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  if (!debug && isBrokenLibrary(error)) {
    complain(
      `error: A library that Kindred needs is missing or does not load: ${(error as Error).message}\n` +
        'Run "npm run setup" in Kindred\'s folder; "kindred doctor" shows what else is wrong.',
    );
    return FAILED;
  }
  if (!(error instanceof KindredError)) {
    complain(`unexpected ${withCauses(error)}`);
    return FAILED;
  }
  complain(debug ? withCauses(error) : `error: ${error.message}`);
  if (!(error instanceof UsageError)) return FAILED;
  complain(usageLines(command));
  return WRONG_USAGE;
}

const NOT_LOADED = new Set(['ERR_DLOPEN_FAILED', 'MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND']);

function isBrokenLibrary(error: unknown): boolean {
  return error instanceof Error && NOT_LOADED.has((error as NodeJS.ErrnoException).code ?? '');
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\n  caused by ${withCauses(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

function complain(text: string): void {
  process.stderr.write(`${escapeText(text)}\n`);
}
