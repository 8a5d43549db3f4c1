/** Who may use a server on this registry. A token is shown once, when it is made; what is kept is its SHA-256. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ulid } from 'ulid';
import { z } from 'zod';
import { CorruptDataError, InvalidInputError, NotFoundError } from '../errors.ts';
import { quote } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isUlid } from '../ulid.ts';
import { encode, readDocument } from './documents.ts';

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

const TOKENS = 'tokens/';
const SECRET_BYTES = 32;
const TOKEN = /^kindred_([0-9A-Z]{26})_[A-Za-z0-9_-]{43}$/;
const LONGEST_NAME = 100;

/**
 * Makes a token.
 * @returns the token itself, which cannot be found out again, and what is kept of it
 * @throws InvalidInputError
 */
export async function createToken(
  store: ObjectStore,
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
  await store.put(keyOf(id), encode(stored), { ifAbsent: true });
  return { token, stored };
}

/**
 * All tokens, oldest first.
 * @param onDamaged is told of what is no token, which is left out then
 * @throws CorruptDataError for that, where nobody is told of it
 */
export async function listTokens(
  store: ObjectStore,
  onDamaged?: (error: CorruptDataError) => void,
): Promise<StoredToken[]> {
  const keys: string[] = [];
  for await (const { key, problem } of store.list(TOKENS)) {
    if (!problem && isUlid(key.slice(TOKENS.length, -'.json'.length))) keys.push(key);
  }
  const found = await Promise.all(
    keys.map(async (key) => {
      try {
        return await readDocument(store, key, tokenSchema);
      } catch (error) {
        if (onDamaged === undefined || !(error instanceof CorruptDataError)) throw error;
        onDamaged(error);
        return null;
      }
    }),
  );
  return found.flatMap((token) => (token === null ? [] : [token.value]));
}

/** Takes a token back. @throws NotFoundError */
export async function revokeToken(store: ObjectStore, id: string): Promise<StoredToken> {
  const found = isUlid(id) ? await readDocument(store, keyOf(id), tokenSchema) : null;
  if (found === null) {
    throw new NotFoundError(`There is no token ${quote(id)}. "kindred tokens list" shows them.`);
  }
  await store.delete(keyOf(id));
  return found.value;
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

function keyOf(id: string): string {
  return `${TOKENS}${id}.json`;
}
