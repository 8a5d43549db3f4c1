import { ConflictError } from '../../errors.ts';
import { quote } from '../../storage/keys.ts';
import { isUlid } from '../../ulid.ts';
import type { KeptDocument, TokenStore } from '../token-store.ts';
import { parseSsmAddress } from './address.ts';
import type { Parameter, Parameters, SsmOptions } from './client.ts';
import { explain, isAbsent, isThere } from './failure.ts';
import type { Action } from './failure.ts';

/**
 * Tokens that are kept in Parameter Store of AWS Systems Manager, a parameter for each, encrypted with the account's own key for that. The
 * AWS client is loaded with the first request.
 * @param uri `ssm:///PATH`
 * @throws InvalidInputError for an address that names no path
 */
export function ssmTokens(uri: string, options: SsmOptions = {}): TokenStore {
  const path = parseSsmAddress(uri);
  const nameOf = (id: string): string => `${path}/${id}`;
  const placeOf = (id: string): string => `ssm://${nameOf(id)}`;
  let opened: Promise<Parameters> | undefined;
  /** What was read last. */
  let known: ReadonlyMap<string, Parameter> = new Map();

  async function ask<T>(
    action: Action,
    place: string,
    work: (parameters: Parameters) => Promise<T>,
  ): Promise<T> {
    opened ??= import('./client.ts').then(({ openParameters }) => openParameters(options));
    try {
      return await work(await opened);
    } catch (error) {
      throw explain(error, action, place);
    }
  }

  const read = (id: string): Promise<string | null> =>
    ask('read', placeOf(id), (parameters) => unless(isAbsent, parameters.get(nameOf(id))));
  const kept = (id: string, value: string): KeptDocument => {
    return { id, place: placeOf(id), document: new TextEncoder().encode(value) };
  };

  return {
    uri: `ssm://${path}`,

    async create(id, document) {
      const value = asValue(document);
      const made = await ask('create', placeOf(id), (parameters) =>
        unless(
          isThere,
          parameters.create(nameOf(id), value).then(() => true),
        ),
      );
      // The client asks again when an answer is lost: what is there may be this one.
      if (made || (await read(id)) === value) return;
      throw new ConflictError(`There is a token at ${quote(placeOf(id))} already; it stays.`);
    },

    async get(id) {
      const value = await read(id);
      return value === null ? null : kept(id, value);
    },

    async list() {
      known = await ask('list', `ssm://${path}`, (parameters) => current(parameters, path, known));
      return [...known.values()]
        .map(({ name, value }) => kept(name.slice(path.length + 1), value))
        .filter(({ id }) => isUlid(id))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    },

    async delete(id) {
      await ask('delete', placeOf(id), (parameters) => unless(isAbsent, parameters.delete(nameOf(id))));
    },
  };
}

/** What there is now, by name. Each decryption is paid for: what is known is not decrypted again until something is new. */
async function current(
  parameters: Parameters,
  path: string,
  known: ReadonlyMap<string, Parameter>,
): Promise<ReadonlyMap<string, Parameter>> {
  const encrypted = known.size === 0 ? null : await all(parameters, path, false);
  const left = encrypted?.flatMap(({ name, mark }) => {
    const before = known.get(name);
    return before?.mark === mark ? [before] : [];
  });
  const isAll = left !== undefined && left.length === encrypted?.length;
  const found = isAll ? left : await all(parameters, path, true);
  return new Map(found.map((parameter) => [parameter.name, parameter]));
}

async function all(parameters: Parameters, path: string, isDecrypted: boolean): Promise<Parameter[]> {
  const every: Parameter[] = [];
  let token: string | null = null;
  do {
    const { found, next } = await parameters.page(path, isDecrypted, token);
    every.push(...found);
    token = next;
  } while (token !== null);
  return every;
}

/** What was asked for, or null where it failed for the reason that is expected. */
async function unless<T>(expected: (error: unknown) => boolean, asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (expected(error)) return null;
    throw error;
  }
}

/** On a line and in ASCII, without "{{", which Parameter Store takes for the name of another parameter. */
function asValue(document: Uint8Array): string {
  const text = JSON.stringify(JSON.parse(new TextDecoder().decode(document)));
  return text.replaceAll(/[\u007f-\uffff]|\{(?=\{)/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
