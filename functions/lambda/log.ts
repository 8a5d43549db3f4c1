import type { LogEntry } from '../log.ts';

const LEVELS = ['info', 'warning', 'error'];

/** Writes entries that are worth as much as `least`, each as a line of JSON on stdout, which CloudWatch keeps as an event. */
export function logFrom(least: string): (entry: LogEntry) => void {
  return (entry) => {
    if (LEVELS.indexOf(String(entry['level'])) < LEVELS.indexOf(least)) return;
    process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`);
  };
}
