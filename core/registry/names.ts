import { InvalidInputError } from '../errors.ts';
import { keyProblem, quote } from '../storage/keys.ts';
import { reasonOf } from '../storage/reason.ts';

export const DEFAULT_ALIAS = 'production';

/** Lower case only, since some file systems do not tell cases apart. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const JOB = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const LONGEST_NOTE = 1000;

/** Throws unless `name` may name a model, an alias or a data set. */
export function checkName(name: string, what: 'model' | 'alias' | 'data set'): void {
  if (!NAME.test(name)) {
    throw new InvalidInputError(
      `${quote(name)} cannot name a ${what}. Allowed are 1 to 63 of a-z, 0-9, ".", "_" and "-", beginning with ` +
        `a letter or digit, such as "${nameLike(name)}".`,
    );
  }
  if (what === 'alias' && /^\d+$/.test(name)) {
    throw new InvalidInputError(`An alias cannot be a number as ${quote(name)} is: that names a version.`);
  }
}

/** Whether `name` may name a model, an alias or a data set. */
export function isName(name: string, what: 'model' | 'alias' | 'data set'): boolean {
  try {
    checkName(name, what);
    return true;
  } catch {
    return false;
  }
}

/** An allowed name that is like this one: "Chats & Chiens" gives "chats-chiens", and what has no letter "my-model". */
export function nameLike(name: string): string {
  const plain = name.normalize('NFD').toLowerCase().replace(/\p{M}/gu, '');
  return (
    plain
      .replace(/[^a-z0-9._]+/g, '-')
      .replace(/^[^a-z0-9]+|-+$/g, '')
      .slice(0, 63) || 'my-model'
  );
}

/** Throws unless `version` is 1, 2, 3 ... */
export function checkVersion(version: number): void {
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new InvalidInputError(`The version ${String(version)} is not a whole number from 1 on.`);
  }
}

/** Throws unless `job` may identify a job. */
export function checkJob(job: string): void {
  if (!JOB.test(job)) {
    throw new InvalidInputError(
      `The job id ${quote(job)} is not allowed: 1 to 128 of A-Z, a-z, 0-9, ".", "_" and "-", such as a ULID.`,
    );
  }
}

/** Throws unless `part` can be one part of a key: any Unicode but "/" and control characters. */
export function checkPart(part: string, what: string): void {
  const problem = part.includes('/') ? 'has a "/"' : keyProblem(`x/${part}`);
  if (problem !== null) {
    throw new InvalidInputError(
      `The ${what} ${quote(part)} ${problem}. Allowed is any Unicode but "/" and control characters.`,
    );
  }
}

/** Who changes something, and why; kept in the history. */
export interface Author {
  readonly by: string;
  readonly why: string;
}

/** Throws unless both are texts of a bearable length, and `by` is not empty. */
export function checkAuthor({ by, why }: Author): void {
  if (by.trim() === '' || by.length > LONGEST_NOTE) {
    throw new InvalidInputError(`"by" must say who changes it, in 1 to ${LONGEST_NOTE} characters.`);
  }
  if (why.length > LONGEST_NOTE) {
    throw new InvalidInputError(`"why" must be a text of at most ${LONGEST_NOTE} characters.`);
  }
}

export type Reference =
  { readonly model: string; readonly alias: string } | { readonly model: string; readonly version: number };

/**
 * Parses `NAME`, `NAME@ALIAS` or `NAME@N`; without "@" the alias is "production".
 * @throws InvalidInputError
 */
export function parseReference(reference: string): Reference {
  const at = reference.indexOf('@');
  const model = at === -1 ? reference : reference.slice(0, at);
  const which = at === -1 ? DEFAULT_ALIAS : reference.slice(at + 1);
  try {
    checkName(model, 'model');
    if (/^\d+$/.test(which)) {
      checkVersion(Number(which));
      return { model, version: Number(which) };
    }
    checkName(which, 'alias');
    return { model, alias: which };
  } catch (cause) {
    throw new InvalidInputError(
      `${quote(reference)} is not a model reference NAME, NAME@ALIAS or NAME@N: ${reasonOf(cause)}`,
      { cause },
    );
  }
}
