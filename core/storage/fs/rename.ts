import { rename, rmdir } from 'node:fs/promises';
import { InvalidInputError } from '../../errors.ts';
import { quote } from '../keys.ts';
import { errno } from './failure.ts';
import { inTheWay } from './folders.ts';

/** Renames `from` to `to`; false when the folder of `to` was removed meanwhile. `shown` is for messages. */
export async function moved(from: string, to: string, shown: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const code = errno(error);
    if (code === 'ENOENT') return false;
    if (code === 'ENOTDIR') throw inTheWay(shown, error);
    if (code !== 'EISDIR' && code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    return (await removedEmptyFolder(to)) ? moved(from, to, shown) : Promise.reject(occupied(shown, error));
  }
}

/** A folder whose last object was deleted may stay behind empty; it is no object and may give way. */
async function removedEmptyFolder(path: string): Promise<boolean> {
  return rmdir(path).then(
    () => true,
    () => false,
  );
}

function occupied(path: string, cause: unknown): InvalidInputError {
  return new InvalidInputError(
    `A folder is where the file ${quote(path)} would go. Choose another name, or empty that folder.`,
    { cause },
  );
}
