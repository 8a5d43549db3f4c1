/** Addresses of this server that one picture can be put to: what it may be is in the address, under a signature. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import type { Upload } from '../../core/storage/store.ts';
import { RequestError } from '../errors.ts';

const claimsSchema = z.strictObject({
  id: z.string(),
  key: z.string(),
  type: z.string(),
  bytes: z.int(),
  sha256: z.string().optional(),
  instead: z.string().nullable(),
  expires: z.int(),
});
export type UploadClaims = z.infer<typeof claimsSchema>;

export class UploadSigner {
  readonly #secret: Uint8Array;
  /** Until when each address would hold that something came in by. */
  readonly #used = new Map<string, number>();

  /** @param secret at least 32 bytes that nobody else knows */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** What stands in the address. @param now milliseconds since 1970 */
  sign(key: string, { seconds, ...upload }: Upload, now = Date.now()): string {
    const id = randomBytes(9).toString('base64url');
    const claims: UploadClaims = { id, key, ...upload, expires: now + seconds * 1000 };
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${text}.${this.#mark(text).toString('base64url')}`;
  }

  /** @throws RequestError (forbidden) when it was not signed here, or holds no more */
  read(signed: string, now = Date.now()): UploadClaims {
    const [text = '', mark = ''] = signed.split('.');
    const [given, right] = [Buffer.from(mark, 'base64url'), this.#mark(text)];
    if (given.length !== right.length || !timingSafeEqual(given, right)) {
      throw forbidden('This address was not given out by this server, or by an earlier start of it.');
    }
    const claims = claimsSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    if (now > claims.expires) throw forbidden('This address holds no more. Ask for another one.');
    return claims;
  }

  /** Notes that something came in by it. */
  use({ id, expires }: UploadClaims, now = Date.now()): void {
    for (const [other, until] of this.#used) {
      if (until >= now) break;
      this.#used.delete(other);
    }
    this.#used.set(id, expires);
  }

  isUsed({ id }: UploadClaims): boolean {
    return this.#used.has(id);
  }

  #mark(text: string): Buffer {
    return createHmac('sha256', this.#secret).update(`kindred-upload:${text}`).digest();
  }
}

function forbidden(message: string): RequestError {
  return new RequestError(403, 'forbidden', message);
}
