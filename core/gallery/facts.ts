/**
 * The facts that a gallery's log holds. They name images by SHA-256 and classes by name, and say nothing of versions or embeddings, so that
 * one log serves every version of a model; contents.ts says what a version's gallery is with the log applied.
 */
import { decodeTime, ulid } from 'ulid';
import { InvalidInputError } from '../errors.ts';
import { isUlid } from '../ulid.ts';
import { checkName, checkSha256 } from './names.ts';

/** The image is of this class; it may be of others too. */
export interface Added {
  readonly op: 'add';
  readonly class: string;
  readonly sha256: string;
  /** The file part of its key, where that is free in the class. */
  readonly file: string;
  /** Where the image is stored, `datasets/<dataset>/<class>/<file>`; null: among the kept images, or nowhere. */
  readonly source: string | null;
}

/** A user says that the image is of this class and no other; datasets that have it otherwise no longer count. */
export interface Labelled extends Omit<Added, 'op'> {
  readonly op: 'label';
}

/** A user says that the image is of none of the classes. */
export interface Rejected extends Omit<Added, 'op' | 'class'> {
  readonly op: 'reject';
}

/** A user takes the image out of the class. */
export interface Removed {
  readonly op: 'remove';
  readonly class: string;
  readonly sha256: string;
}

/**
 * The class got another name, or was merged into a class of that name: a fact for each image that it had. A class of a later version that has
 * none of these images shares nothing but the name, and keeps it.
 */
export interface Renamed {
  readonly op: 'rename';
  readonly class: string;
  readonly to: string;
  readonly sha256: string;
}

/** What a dataset has under a path now, and what it had there when that was last recorded; null: nothing. */
export interface Seen {
  readonly op: 'seen';
  /** `datasets/<dataset>/<class>/<file>` */
  readonly path: string;
  readonly sha256: string | null;
  readonly was: string | null;
  /** Whether the folder has `was` under no path any more. */
  readonly lost: boolean;
}

/** The same of a file that cannot be decoded: it is in no gallery. */
export interface Unreadable extends Omit<Seen, 'op'> {
  readonly op: 'unreadable';
}

export type Fact = Added | Labelled | Rejected | Removed | Renamed | Seen | Unreadable;

/** Facts that were recorded together: all of them count, or none. Immutable once written. */
export interface Change {
  /** ULID. Changes apply in the order of their ids, which is the order of cause and effect: see {@link idAfter}. */
  readonly id: string;
  /** The last change that its writer had seen; null: none. A class that was renamed after that is meant by its new name. */
  readonly after: string | null;
  /** When, by the writer's clock. It decides nothing. */
  readonly at: string;
  /** Who made it. */
  readonly by: string;
  readonly facts: readonly Fact[];
}

/**
 * An id greater than every id its writer has seen (a hybrid logical clock, Kulkarni et al. 2014): what was decided by looking at the log
 * applies after it, also where another machine's clock is hours ahead or this one's is behind.
 * @param last the greatest id in the log, or null when it is empty
 * @param now milliseconds since 1970, as this machine believes
 * @param random of 0 to 1, which tells ids of one moment apart
 */
export function idAfter(last: string | null, now = Date.now(), random?: () => number): string {
  const latest = last === null ? -1 : decodeTime(last);
  return ulid(Math.max(now, latest + 1), random);
}

/**
 * Checks the facts and puts a change together.
 * @throws InvalidInputError naming the first fact that is wrong, or when there is none
 */
export function createChange({
  id,
  after,
  by,
  facts,
  at = new Date().toISOString(),
}: Omit<Change, 'at'> & Partial<Pick<Change, 'at'>>): Change {
  for (const one of after === null ? [id] : [id, after]) checkId(one);
  if (facts.length === 0) throw new InvalidInputError(`The change ${id} of a gallery holds no fact.`);
  for (const fact of facts) checkFact(fact);
  return Object.freeze({ id, after, at, by, facts: Object.freeze([...facts]) });
}

/** Records facts after all changes of the log: the change that says so. */
export function changeAfter(log: readonly Change[], facts: readonly Fact[], by: string): Change {
  const after = log.at(-1)?.id ?? null;
  return createChange({ id: idAfter(after), after, by, facts });
}

function checkId(id: string): void {
  if (isUlid(id)) return;
  throw new InvalidInputError(
    `${JSON.stringify(id)} is not a ULID (26 characters of Crockford's base 32), as changes of a gallery are named.`,
  );
}

const DATASET_PATH = /^datasets\/[^/]+\/([^/]+)\/([^/]+)$/;

function checkFact(fact: Fact): void {
  if (fact.op === 'seen' || fact.op === 'unreadable') {
    checkPath(fact.path);
    for (const sum of [fact.sha256, fact.was]) if (sum !== null) checkSha256(sum, fact.path);
    return;
  }
  if (fact.op !== 'reject') checkName(fact.class, 'class');
  if (fact.op === 'rename') checkName(fact.to, 'class');
  checkSha256(fact.sha256, fact.op);
  if (fact.op === 'remove' || fact.op === 'rename') return;
  checkName(fact.file, 'file');
  if (fact.source !== null) checkPath(fact.source);
}

function checkPath(path: string): void {
  const [, className, file] = DATASET_PATH.exec(path) ?? [];
  if (className === undefined || file === undefined) {
    throw new InvalidInputError(
      `${JSON.stringify(path)} is not the key of a dataset's image: datasets/<dataset>/<class>/<file>.`,
    );
  }
  checkName(className, 'class');
  checkName(file, 'file');
}
