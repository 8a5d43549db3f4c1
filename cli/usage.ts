import { InvalidInputError, KindredError } from '../core/errors.ts';

/** The command was called wrongly: exit status 2. */
export class UsageError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('wrong-usage', message, options);
  }
}

/** Runs a check of what was typed: a value that core refuses is then wrong usage. */
export function asUsage<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw usageOf(error);
  }
}

/** The error as wrong usage, if it is about a value. */
export function usageOf(error: unknown): unknown {
  return error instanceof InvalidInputError ? new UsageError(error.message, { cause: error }) : error;
}
