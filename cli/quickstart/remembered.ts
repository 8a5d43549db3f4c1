import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../context.ts';
import { writeResult } from '../output/file.ts';
import type { Shown } from './showcase.ts';

/** What was shown before of a state of a version, so that it can be shown again at once; else it is made and kept. */
export async function remembered(
  { cache }: Context,
  state: string,
  make: () => Promise<Shown[]>,
): Promise<Shown[]> {
  const file = path.join(cache, 'quickstart', `${state}.json`);
  const known = await readShown(file);
  if (known !== null) return known;
  const shown = await make();
  // A cache that cannot be written only makes the next time slower.
  await keep(file, shown).catch(() => undefined);
  return shown;
}

async function keep(file: string, shown: readonly Shown[]): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeResult(file, JSON.stringify(shown));
}

/** Null for a file that is not there or not whole. */
async function readShown(file: string): Promise<Shown[] | null> {
  try {
    const shown = JSON.parse(await readFile(file, 'utf8')) as Shown[];
    const isWhole = shown.every(({ picture, neighbours }) => picture !== '' && neighbours.length > 0);
    return isWhole ? shown : null;
  } catch {
    return null;
  }
}
