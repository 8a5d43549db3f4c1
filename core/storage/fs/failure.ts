import { KindredError } from '../../errors.ts';
import { quote } from '../keys.ts';
import { reasonOf } from '../reason.ts';
import { StorageError } from '../storage-error.ts';

const ADVICE: Record<string, string> = {
  ENOSPC: 'the disk is full. Free some space there, or choose another folder, and run it again',
  EDQUOT: 'the disk quota is used up. Free some space there, or choose another folder, and run it again',
  EACCES: 'permission denied. Give this user access to it, or choose another folder',
  EPERM: 'the operation is not permitted. Give this user access to it, or choose another folder',
  EROFS: 'the file system is read-only. Mount it writable, or choose another folder',
  EMFILE: 'this process has too many files open. Raise the limit (ulimit -n)',
  ENFILE: 'the machine has too many files open. Close some programs',
  ENAMETOOLONG: 'the name is longer than this file system allows. Choose a shorter one',
  ELOOP: 'symbolic links lead in a circle. Remove them',
  EXDEV: 'another file system is mounted inside the store. Keep the whole store on one file system',
  EIO: 'the disk reports an input/output error. Check the disk and restore from a backup',
};

/** Turns an error of node:fs about `path` into one that says what to do; other errors pass unchanged. */
export function explain(error: unknown, action: 'read' | 'write' | 'list' | 'delete', path: string): unknown {
  const code = errno(error);
  if (error instanceof KindredError || code === undefined) return error;
  const advice = ADVICE[code] ?? reasonOf(error);
  return new StorageError(`Cannot ${action} ${quote(path)}: ${advice} (${code}).`, { cause: error });
}

/** The system's error code such as ENOENT, if `error` has one. */
export function errno(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return error instanceof KindredError ? undefined : code;
}

/** True for the errors that mean: there is nothing under this path. */
export function isMissing(error: unknown): boolean {
  const code = errno(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
