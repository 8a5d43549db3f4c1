import { escapeText, toJson } from './escape.ts';

/** Where the command line prints: results on stdout, everything else on stderr. */
export interface Terminal {
  readonly isJson: boolean;
  /** Whether stderr is looked at by a person, so that a line may be drawn over. */
  readonly isLive: boolean;
  readonly columns: number;
  /** The result for people; nothing with --json. A line break is added. */
  readonly print: (text: string) => void;
  /** The result for programs; nothing without --json. */
  json(value: unknown): void;
  /** What is not the result: progress, notes, warnings. */
  note(text: string): void;
  /** Draws over the last line that `draw` drew; only where `isLive`. '' takes it away. */
  draw(line: string): void;
  readonly style: Style;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

export interface TerminalOptions {
  readonly json: boolean;
  /** Whether colours are wanted at all; they are used only on a terminal. */
  readonly colour: boolean;
}

type Out = NodeJS.WriteStream;

/** A terminal on the process' streams. Styled texts are escaped before they are styled. */
export function terminalOn(stdout: Out, stderr: Out, { json, colour }: TerminalOptions): Terminal {
  let drawn = false;
  const draw = (line: string): void => {
    if (!stderr.isTTY || (line === '' && !drawn)) return;
    stderr.write(`\r\u001b[2K${line}`);
    drawn = line !== '';
  };
  return {
    isJson: json,
    isLive: stderr.isTTY,
    columns: stderr.columns ?? 80,
    print: (text) => {
      if (json) return;
      draw('');
      stdout.write(`${text}\n`);
    },
    json: (value) => {
      if (!json) return;
      draw('');
      stdout.write(`${toJson(value)}\n`);
    },
    note: (text) => {
      draw('');
      stderr.write(`${escapeText(text)}\n`);
    },
    draw,
    style: colour && stdout.isTTY ? COLOURED : PLAIN,
  };
}

const wrap = (on: number, off: number) => (text: string) => `\u001b[${on}m${text}\u001b[${off}m`;
const COLOURED: Style = { bold: wrap(1, 22), dim: wrap(2, 22), good: wrap(32, 39), bad: wrap(31, 39) };
const same = (text: string): string => text;
const PLAIN: Style = { bold: same, dim: same, good: same, bad: same };
