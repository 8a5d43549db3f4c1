import { spelledAs } from '../spelling.ts';
import type { Gallery } from './gallery.ts';
import { fileOf, keyOfPicture } from './names.ts';

/** What says which picture it is, and where it is to be. */
export interface Wanted {
  /** `<class>/<file>`, or any path that ends so. */
  readonly key: string;
  readonly className: string;
  readonly sha256: string;
}

/** Pictures that are to be added, sorted by what there is to do. */
export interface Placed<P> {
  /** To be added, each with the key that is free for it; its class may be spelled as the gallery has it there. */
  readonly fresh: readonly { readonly picture: P; readonly key: string }[];
  /** Their class has them already, or somebody has said that they are of another one. */
  readonly there: readonly P[];
  /** The same picture under the same class as one before. */
  readonly twice: readonly P[];
}

/**
 * Keys of their own for pictures whose name is taken; the same picture under the same class is not added again.
 * @param said checksums of pictures that stay under the class that they have
 */
export function placePictures<P extends Wanted>(
  gallery: Gallery,
  wanted: readonly P[],
  said: ReadonlySet<string> = new Set(),
): Placed<P> {
  const spelled = spellingOf(new Set(gallery.classes));
  const taken = new Map(gallery.keys.map((key, row) => [key, gallery.sha256[row]]));
  const held = new Set(gallery.keys.map((_, row) => `${gallery.sha256[row]} ${gallery.classes[row]}`));
  const given = new Set<string>();
  const placed = { fresh: [] as { picture: P; key: string }[], there: [] as P[], twice: [] as P[] };
  for (const picture of wanted) {
    const name = spelled(picture.className);
    const identity = `${picture.sha256} ${name}`;
    if (held.has(identity) || said.has(picture.sha256)) placed.there.push(picture);
    else if (given.has(identity)) placed.twice.push(picture);
    else {
      const wantedKey = `${name}/${fileOf(picture.key)}`;
      const key = keyOfPicture(wantedKey, picture.sha256, (one) => taken.get(one));
      taken.set(key, picture.sha256);
      given.add(identity);
      placed.fresh.push({ picture, key });
    }
  }
  return placed;
}

/** How the gallery spells classes; each is looked for once. */
function spellingOf(classes: ReadonlySet<string>): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    const spelled = known.get(name) ?? spelledAs(name, classes);
    known.set(name, spelled);
    return spelled;
  };
}
