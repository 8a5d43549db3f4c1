import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from '../../core/storage/fs/lock.ts';

/**
 * Makes something in the cache unless it is there: aside, in a folder that `make` fills, from which what it returns is then put into place.
 * Test files run side by side, and it is made once.
 */
export async function madeOnce(place: string, make: (staging: string) => Promise<string>): Promise<string> {
  if (existsSync(place)) return place;
  const parent = path.dirname(path.dirname(place));
  await mkdir(parent, { recursive: true });
  const lock = await open(path.join(parent, '.lock'), 'a+');
  try {
    while (!(await tryLock(lock))) await sleep(200);
    if (existsSync(place)) return place;
    const staging = await mkdtemp(path.join(parent, '.making-'));
    try {
      const made = await make(staging);
      await mkdir(path.dirname(place), { recursive: true });
      await rename(made, place);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } finally {
    await lock.close();
  }
  return place;
}
