/**
 * The one family of errors that Kindred throws on purpose.
 *
 * `code` is stable: programs may branch on it. `message` says the value got, what is allowed and what to do.
 * Nothing here knows of HTTP or of exit codes; the edges translate.
 */
export class KindredError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** A value from outside is not acceptable: an option, a name, a flag, a document. */
export class InvalidInputError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('invalid-input', message, options);
  }
}

/** Something has more bytes than whoever reads it allows. */
export class TooLargeError extends InvalidInputError {}

/** Something asked for by name does not exist. */
export class NotFoundError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('not-found', message, options);
  }
}

/** Somebody else changed the same thing first, or it exists already; nothing was written. */
export class ConflictError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('conflict', message, options);
  }
}

/** What was asked for cannot be, as things are, and will not be by looking again: there is nothing to go back to. */
export class NothingBeforeError extends ConflictError {}

/** What is stored does not match its checksum, or cannot be parsed; the message names the file. */
export class CorruptDataError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('corrupt-data', message, options);
  }
}

/** An engine does not compute what a version was made with: none of its answers could be trusted. */
export class SkewError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('skew', message, options);
  }
}

/** What computes has stopped doing so: its thread has ended, or it ran out of memory. Opened again, it may go on. */
export class EngineFailedError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('engine-failed', message, options);
  }
}

/** An image cannot be used; the message says why. */
export class UnreadableImageError extends KindredError {
  constructor(message: string, options?: { cause?: unknown; code?: string }) {
    super(options?.code ?? 'unreadable-image', message, options);
  }
}

/** An image cannot be used though nothing is wrong with it: its format, or its kind of the format, is not decoded. */
export class UnsupportedImageError extends UnreadableImageError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, { ...options, code: 'unsupported-image' });
  }
}

/** Work was stopped on request, at a point from which it can be resumed. */
export class CancelledError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('cancelled', message, options);
  }
}

/** Training cannot go on: the loss is not a number, or diverges. */
export class DivergedError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('diverged', message, options);
  }
}

/** Training cannot go on: all pictures have fallen together into one point, and a gentler second attempt ended there too. */
export class CollapsedError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('collapsed', message, options);
  }
}

/** Something that the machine should provide is missing: a library, a weight file, the network. */
export class MissingDependencyError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('missing-dependency', message, options);
  }
}
