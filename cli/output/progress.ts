import { fitText, textWidth } from '../../core/training/evaluation/text-width.ts';
import { escapeLine } from './escape.ts';
import { count, duration } from './format.ts';
import type { Terminal } from './terminal.ts';

/** How far one piece of work is: drawn over itself on a terminal, else a plain line now and then. */
export interface Progress {
  readonly update: (done: number, total: number, detail?: string) => void;
  /** Takes the line away; a plain log keeps what it has. */
  readonly end: () => void;
}

const BAR = { widest: 24, narrowest: 8 };
const LIVE_MS = 80;
const PLAIN_MS = 5000;
/** What is told so soon was not done just now. */
const AT_ONCE_MS = 200;
/** Before that much is done nothing can be said about the rest. */
const FIRST_GUESS_SECONDS = 1;

/** Progress of the work called `label`. Work of less than a few seconds leaves no plain line. */
export function progressOn(terminal: Terminal, label: string): Progress {
  const started = Date.now();
  let shown = terminal.isLive ? 0 : started;
  let first: number | null = null;
  return {
    update(done, total, detail = '') {
      const now = Date.now();
      // What was there already says nothing about how fast the rest goes.
      first ??= now - started < AT_ONCE_MS ? done : done - 1;
      if (now - shown < (terminal.isLive ? LIVE_MS : PLAIN_MS)) return;
      shown = now;
      const left = timeLeft((now - started) / 1000, done - first, total - done);
      const parts = [escapeLine(label), `${count(done)}/${count(total)}`, detail, left];
      const line = parts.filter((part) => part !== '').join('  ');
      if (terminal.isLive) terminal.draw(withBar(line, done / total, terminal.columns - 1));
      else terminal.note(line);
    },
    end: () => terminal.draw(''),
  };
}

/** "12 s left", or nothing while it is too early to tell. */
export function timeLeft(seconds: number, done: number, rest: number): string {
  if (done <= 0 || rest <= 0 || seconds < FIRST_GUESS_SECONDS) return '';
  return `${duration((seconds / done) * rest)} left`;
}

/** The line with a bar before it, as long as there is room for one. */
function withBar(line: string, share: number, columns: number): string {
  const length = Math.min(BAR.widest, columns - textWidth(line) - 4);
  if (length < BAR.narrowest || !(share >= 0 && share <= 1)) return fitText(line, columns);
  const filled = Math.round(share * length);
  return `[${'#'.repeat(filled)}${'-'.repeat(length - filled)}]  ${line}`;
}
