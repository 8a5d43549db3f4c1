/** Who may use a server. A token is shown once, when it is made; what is kept of it, in a TokenStore, is its SHA-256. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ulid } from 'ulid';
import { z } from 'zod';
import { CorruptDataError, InvalidInputError, NotFoundError } from '../errors.ts';
import { quote } from '../storage/keys.ts';
import { isUlid } from '../ulid.ts';
import { damaged, encode } from './documents.ts';
import type { KeptDocument, TokenStore } from './token-store.ts';

/** `admin` may do everything. */
export const SCOPES = ['classify', 'read', 'upload', 'train', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

const tokenSchema = z.strictObject({
  id: z.string(),
  /** For people. */
  name: z.string(),
  /** SHA-256 of the whole token, hex. 256 bits of chance need no slower hash. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  expiresAt: z.iso.datetime().nullable(),
});
export type StoredToken = Readonly<z.infer<typeof tokenSchema>>;

export interface NewToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdBy: string;
  /** @default never */
  readonly expiresAt?: Date | null;
}

const SECRET_BYTES = 32;
const TOKEN = /^kindred_([0-9A-Z]{26})_[A-Za-z0-9_-]{43}$/;
const LONGEST_NAME = 100;

/**
 * Makes a token.
 * @returns the token itself, which cannot be found out again, and what is kept of it
 * @throws InvalidInputError
 */
export async function createToken(
  store: TokenStore,
  { name, scopes, createdBy, expiresAt = null }: NewToken,
): Promise<{ token: string; stored: StoredToken }> {
  if (name.trim() === '' || name.length > LONGEST_NAME || /\p{Cc}/u.test(name)) {
    throw new InvalidInputError(
      `The name ${quote(name)} is not allowed: 1 to ${LONGEST_NAME} characters, without control characters.`,
    );
  }
  if (scopes.length === 0) {
    throw new InvalidInputError(`A token needs a scope at least; there are ${SCOPES.join(', ')}.`);
  }
  const id = ulid();
  const token = `kindred_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  const stored: StoredToken = {
    id,
    name,
    hash: hashOf(token).toString('hex'),
    scopes: [...new Set(scopes)],
    createdAt: new Date().toISOString(),
    createdBy,
    expiresAt: expiresAt?.toISOString() ?? null,
  };
  await store.create(id, encode(stored));
  return { token, stored };
}

/**
 * All tokens, oldest first.
 * @param onDamaged is told of what is no token, which is left out then
 * @throws CorruptDataError for that, where nobody is told of it
 */
export async function listTokens(
  store: TokenStore,
  onDamaged: (error: CorruptDataError) => void = raise,
): Promise<StoredToken[]> {
  const kept = await store.list(onDamaged);
  return kept.flatMap((one) => {
    try {
      return [storedIn(one)];
    } catch (error) {
      if (!(error instanceof CorruptDataError)) throw error;
      onDamaged(error);
      return [];
    }
  });
}

/** Takes a token back. @throws NotFoundError */
export async function revokeToken(store: TokenStore, id: string): Promise<StoredToken> {
  const found = isUlid(id) ? await store.get(id) : null;
  if (found === null) {
    throw new NotFoundError(`There is no token ${quote(id)}. "kindred tokens list" shows them.`);
  }
  const stored = storedIn(found);
  await store.delete(id);
  return stored;
}

/** @throws CorruptDataError that shows nothing of what stands there: a hash may be in it */
function storedIn({ id, place, document }: KeptDocument): StoredToken {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(document));
  } catch {
    throw damaged(place, 'it is not JSON');
  }
  const parsed = tokenSchema.safeParse(value);
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path }) => path.join('.') || 'the whole');
    throw damaged(place, `it is not what is kept of a token (${[...new Set(fields)].join(', ')})`);
  }
  if (parsed.data.id !== id) throw damaged(place, 'it is what is kept of another token');
  return parsed.data;
}

function raise(error: CorruptDataError): never {
  throw error;
}

/** The id in a token, or null when it cannot be one. */
export function tokenId(token: string): string | null {
  return TOKEN.exec(token)?.[1] ?? null;
}

/** Whether the token is the one that this is kept of, compared in constant time, and holds still. */
export function tokenHolds(token: string, { hash, expiresAt }: StoredToken, now = Date.now()): boolean {
  const isSame = timingSafeEqual(hashOf(token), Buffer.from(hash, 'hex'));
  return isSame && (expiresAt === null || now < Date.parse(expiresAt));
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
