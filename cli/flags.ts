import { Command, InvalidArgumentError, Option } from 'commander';

/** The flags that every command takes. */
export interface CommonFlags {
  readonly registry?: string;
  readonly model?: string;
  readonly json?: boolean;
  readonly seed?: number;
  /** See {@link UNATTENDED}. */
  readonly unattended?: boolean;
}

/** Which of the common flags mean something for a command; the others are taken all the same, and not listed. */
export interface Meaningful {
  readonly model?: string;
  readonly seed?: boolean;
}

const MODEL = 'NAME, NAME@ALIAS or NAME@N (default: the only model there is, at "production")';

/** A command with the common flags. */
export function command(name: string, description: string, { model, seed }: Meaningful = {}): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('--registry <uri>', 'where models are kept (env: KINDRED_REGISTRY, default: ./.kindred)'),
    )
    .addOption(new Option('--model <reference>', model ?? MODEL).hideHelp(model === undefined))
    .addOption(
      new Option('--seed <n>', 'seed of all random choices (default: 0)')
        .argParser(wholeNumber(0, 2 ** 32 - 1))
        .hideHelp(!seed),
    )
    .option('--json', 'the result alone on stdout, as one JSON document')
    .addOption(new Option('--debug', 'show where an error comes from').hideHelp());
}

/** For what starts commands by itself, such as a server: see core/jobs/owner.ts. */
export const UNATTENDED = new Option(
  '--unattended',
  'leave a job alone that has ended; put it back when stopped',
).hideHelp();

/** The text for --model where a command asks a model something. */
export const ASKED_MODEL = MODEL;

/** Reads a whole number from `least` to `most`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`Allowed is a whole number ${range}.`);
  };
}

/** Reads a share: at least 0 and less than 1. */
export function share(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('Allowed is a share from 0 to less than 1, such as 0.2.');
}

/** Reads where a server is reached from outside: its paths are its own. */
export function origin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  throw new InvalidArgumentError(
    'Allowed is http:// or https:// with a host and no path, such as https://pictures.example.org.',
  );
}

/** Collects the values of a flag that may be given several times. */
export function collect(value: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}
