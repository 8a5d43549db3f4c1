/** Events of an HTTP API (payload format 2.0), as requests can be made of them. */
import { InvalidInputError } from '../../core/errors.ts';

/** What is looked at here; the rest passes as it is. */
export interface HttpEvent {
  readonly rawPath: string;
  readonly requestContext: { readonly http: { readonly method: string } };
}

/**
 * The event with a path that is percent-encoded.
 *
 * An HTTP API decodes the path before it hands it on, a function's own address does not. Only what no encoded path can have is encoded, so
 * that both come out right, but for a decoded name that looks like an encoded one.
 * @throws InvalidInputError when it is no event of an HTTP API
 */
export function requireHttpEvent<T>(event: T): T & HttpEvent {
  const { rawPath, requestContext } = (event ?? {}) as Partial<HttpEvent>;
  if (typeof rawPath !== 'string' || typeof requestContext?.http?.method !== 'string') {
    throw new InvalidInputError(
      'This function answers requests of an HTTP API, or of its own address: events of payload format 2.0.',
    );
  }
  return { ...(event as T & HttpEvent), rawPath: encodedPath(rawPath) };
}

function encodedPath(path: string): string {
  return path
    .replaceAll(/\p{Surrogate}/gu, '\u{FFFD}')
    .replaceAll(/%(?![0-9A-Fa-f]{2})|[^\w.~!$&'()*+,;=:@/%-]/gu, (text) => encodeURIComponent(text));
}
