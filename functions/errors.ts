/** What only a request can do wrong, or only a server can be short of; each with the status it is answered with. */
import { KindredError } from '../core/errors.ts';

export class RequestError extends KindredError {
  readonly status: number;
  /** More fields of the answer's header. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    { headers = {}, cause }: { readonly headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(code, message, { cause });
    this.status = status;
    this.headers = headers;
  }
}

/** The body, or what it asks for, is larger than is allowed. */
export const tooLarge = (message: string): RequestError => new RequestError(413, 'too-large', message);

/** The body is of a kind that is not taken. */
export const unsupportedType = (message: string): RequestError =>
  new RequestError(415, 'unsupported-type', message);

/** More is asked for at once than can be kept in memory; nothing was done. */
export const busy = (message: string): RequestError =>
  new RequestError(503, 'busy', message, { headers: { 'Retry-After': '1' } });

/** Whoever asked has gone away. */
export const goneAway = (): RequestError =>
  new RequestError(499, 'cancelled', 'The request was given up before it was answered.');
