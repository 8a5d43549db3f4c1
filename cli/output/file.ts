import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { explain } from '../../core/storage/fs/failure.ts';

/** Writes a result to a file: whole, or not at all. @throws StorageError saying what is in the way */
export async function writeResult(file: string, content: Uint8Array | string): Promise<void> {
  const target = path.resolve(file);
  const partial = `${target}.${randomBytes(6).toString('hex')}.partial`;
  try {
    await writeFile(partial, content, { flag: 'wx' });
    await rename(partial, target);
  } catch (error) {
    throw explain(error, 'write', target);
  } finally {
    await rm(partial, { force: true });
  }
}
