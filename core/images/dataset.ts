/** One picture of a data set. */
export interface Picture {
  /** `<class>/<file>`, unique in the data set. */
  readonly key: string;
  readonly className: string;
  /** SHA-256 of the file's bytes, hex. */
  readonly sha256: string;
  /** The file's bytes, read again each time. */
  read(): Promise<Uint8Array>;
}

/** A file that is not used, and why. */
export interface DataSetProblem {
  readonly key: string;
  readonly kind: 'unreadable' | 'duplicate-across-classes' | 'misplaced' | 'outside' | 'bad-name';
  readonly reason: string;
}

/** Classes of pictures, sorted by class and then by file, in code-unit order. */
export interface DataSet {
  /** The folder's or data set's name. */
  readonly name: string;
  readonly classes: readonly string[];
  readonly pictures: readonly Picture[];
  readonly problems: readonly DataSetProblem[];
}
