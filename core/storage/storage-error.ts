import { KindredError } from '../errors.ts';

/** The store cannot be reached or used: disk, permissions, network; the message says where and what to do. */
export class StorageError extends KindredError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('storage', message, options);
  }
}
