import { ConflictError, InvalidInputError } from '../errors.ts';
import { quote } from './keys.ts';
import type { PutCondition } from './store.ts';

/** Throws unless at most one condition is asked for. */
export function checkCondition(condition: PutCondition | undefined): void {
  if (condition?.ifAbsent !== undefined && condition.ifMatch !== undefined) {
    throw new InvalidInputError('put takes ifAbsent or ifMatch, not both.');
  }
}

/**
 * Throws unless the condition holds for an object whose etag is `current` (null: there is none).
 * @throws ConflictError
 */
export function holdTo(condition: PutCondition | undefined, key: string, current: string | null): void {
  if (condition?.ifAbsent && current !== null) {
    throw new ConflictError(`${quote(key)} exists already; nothing was written.`);
  }
  if (condition?.ifMatch !== undefined && current !== condition.ifMatch) {
    const state = current === null ? 'does not exist (any more)' : `has changed (etag ${current} now)`;
    throw new ConflictError(
      `${quote(key)} ${state}, expected etag ${condition.ifMatch}; nothing was written. Read it again and decide anew.`,
    );
  }
}
