import { command } from '../../scripts/setup/command.mjs';

/** The first line that a program prints, with what a version looks like taken out of it; null when it does not run. */
export async function versionOf(program: string, ...args: string[]): Promise<string | null> {
  const { ok, output } = await command(program, args);
  if (!ok) return null;
  const first = output.split('\n').find((line) => /\d+\.\d+/.test(line) && !/warn/i.test(line)) ?? '';
  return /\d+(\.\d+)+/.exec(first)?.[0] ?? first.trim();
}
