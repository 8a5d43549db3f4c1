import type { Terminal } from '../output/terminal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** How a training is asked to stop from outside. */
export interface Interruption {
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** From here on a first Ctrl-C is waited for: there is something to keep. */
  begin(): void;
  /** Gives the signals back. */
  end(): void;
}

/** The first Ctrl-C (or SIGTERM) asks to stop cleanly, the second one, or one before anything began, stops at once. */
export function interruptible(terminal: Terminal): Interruption {
  const controller = new AbortController();
  let begun = false;
  const onSignal = (): void => {
    if (!begun || controller.signal.aborted) {
      terminal.note(begun ? 'Stopped at once.' : 'Stopped before the training began.');
      process.exit(1);
    }
    terminal.note('Stopping after this step and keeping a checkpoint; once more to stop at once.');
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    begin: () => {
      begun = true;
    },
    end: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
