import { InvalidInputError } from '../errors.ts';

/** The entry of a table by the name that somebody asked for; an unknown name is an error that lists the known ones. */
export function byName<T>(table: Readonly<Record<string, T>>, kind: string, name: string): T {
  if (Object.hasOwn(table, name)) return table[name] as T;
  const known = Object.keys(table).join(', ');
  throw new InvalidInputError(`There is no ${kind} named "${name}". Choose one of: ${known}.`);
}
