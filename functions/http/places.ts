/** Where the registry lies is nothing to those who ask: no answer names a folder of the machine, or a bucket. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** Gives the text without what clients must not see. */
export type TextFilter = (text: string) => string;

/**
 * Takes the registry's place out of a text: what lies in it is named by its key alone.
 * @param uri of the registry's store: a folder, or an address
 */
export function withoutPlace(uri: string): TextFilter {
  // A mere word may be anything's name, and is the registry only where a text says that something is in it.
  const word = ` in ${JSON.stringify(uri)}`;
  const places = (uri.includes('://') ? [uri] : foldersOf(uri))
    .map((place) => place.replace(/(?<=[^:/])\/+$/, ''))
    .flatMap((place) => (place.length > 1 ? [place, JSON.stringify(place).slice(1, -1)] : []))
    .toSorted((a, b) => b.length - a.length)
    .map((place) => place.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  // Not where it is only the end of another name.
  const pattern = new RegExp(`(?<![\\w./-])(?:${places.join('|')})(?<inside>/?)`, 'g');
  return (text) =>
    (places.length === 0
      ? text
      : text.replaceAll(pattern, (_, inside) => (inside === '/' ? '' : 'the registry'))
    )
      .replaceAll('"the registry"', 'the registry')
      .replaceAll(word, ' in the registry');
}

/** As it was given, perhaps from where the server runs ("./.kindred"), whole, and as it is behind links. */
function foldersOf(folder: string): string[] {
  const whole = resolve(folder);
  const places = folder.includes('/') ? [folder, whole] : [whole];
  try {
    return [...places, realpathSync(whole)];
  } catch {
    return places;
  }
}
