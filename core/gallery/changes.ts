import { spelledAs } from '../spelling.ts';
import { applyEntries, type FoundBySum } from './apply.ts';
import type { Gallery } from './gallery.ts';
import { additionOf, type Named, type NamedEntry, type Segment } from './segments.ts';

/** The names of a gallery's pictures by key, found by checksum and by class too. */
export class Pictures extends Map<string, Named> implements FoundBySum<Named> {
  readonly said = new Set<string>();
  readonly #bySum = new Map<string, Map<string, Named>>();
  readonly #byClass = new Map<string, Map<string, Named>>();

  /** @param segments changes of it, which are applied */
  static of(gallery: Gallery, segments: readonly Pick<Segment, 'entries'>[] = []): Pictures {
    const pictures = new Pictures();
    for (const [row, key] of gallery.keys.entries()) {
      const { class: name, sha256 } = additionOf(gallery, row);
      pictures.set(key, { op: 'add', key, class: name, sha256 });
    }
    for (const { entries } of segments) applyEntries<Named>(pictures, entries);
    return pictures;
  }

  override set(key: string, picture: Named): this {
    this.delete(key);
    put(this.#bySum, picture.sha256, picture);
    put(this.#byClass, picture.class, picture);
    return super.set(key, picture);
  }

  override delete(key: string): boolean {
    const picture = this.get(key);
    if (picture === undefined) return false;
    take(this.#bySum, picture.sha256, key);
    take(this.#byClass, picture.class, key);
    return super.delete(key);
  }

  ofSum(sha256: string): Named[] {
    return [...(this.#bySum.get(sha256)?.values() ?? [])];
  }

  /** The name that the class has here: perhaps another spelling of it in Unicode; composed where it is new. */
  spelled(name: string): string {
    return this.#byClass.has(name) ? name : spelledAs(name, this.#byClass.keys());
  }

  hasClass(name: string): boolean {
    return this.#byClass.has(name);
  }

  ofClass(name: string): Named[] {
    return [...(this.#byClass.get(name)?.values() ?? [])];
  }

  /** Those that are this picture, under the same class; keys do not count. */
  same({ sha256, class: name }: Named): Named[] {
    return this.ofSum(sha256).filter((one) => one.class === name);
  }
}

/** A class all of whose pictures went to another one: it was renamed, or merged into it. */
export interface ClassMove {
  readonly from: string;
  readonly to: string;
  /** The checksums of the pictures that went. */
  readonly sums: ReadonlySet<string>;
}

/** What became of a gallery's pictures; one is known by its checksum and its class, whatever its key. */
export interface GalleryChange {
  readonly classes: readonly ClassMove[];
  /** Pictures, as they were, that got another class, apart from those of `classes`. */
  readonly moved: readonly { readonly picture: Named; readonly to: string }[];
  /** Pictures, as they were, that are under no class any more. */
  readonly gone: readonly Named[];
  /** Pictures, as they are now, that are under a class more than before. */
  readonly added: readonly Named[];
  /** Pictures that somebody said the one class of; they count as nothing of the above. */
  readonly placed: readonly Placed[];
}

export interface Placed {
  /** As it is now. */
  readonly picture: Named;
  /** The classes that it was under. */
  readonly before: ReadonlySet<string>;
}

/** Applies a segment's entries to the pictures and tells what that changed. */
export function change(pictures: Pictures, entries: readonly NamedEntry[]): GalleryChange {
  const sums = new Set<string>();
  for (const entry of entries) {
    if (entry.op === 'seen') continue;
    const sum = entry.op === 'add' ? entry.sha256 : pictures.get(entry.key)?.sha256;
    if (sum !== undefined) sums.add(sum);
  }
  const alone = new Set(
    entries.flatMap((entry) => (entry.op === 'add' && entry.alone ? [entry.sha256] : [])),
  );
  const touched = (): Map<string, Named> =>
    new Map(
      [...sums]
        .filter((sum) => !alone.has(sum))
        .flatMap((sum) => pictures.ofSum(sum))
        .map((one) => [identityOf(one), one]),
    );
  const was = touched();
  const before = new Map(
    [...alone].map((sum) => [sum, new Set(pictures.ofSum(sum).map((one) => one.class))]),
  );
  applyEntries<Named>(pictures, entries);
  const is = touched();
  const placed = [...before].flatMap(([sum, classes]): Placed[] =>
    pictures.ofSum(sum).map((picture) => ({ picture, before: classes })),
  );
  return { ...compared(was, is, pictures), placed };
}

type Identified = ReadonlyMap<string, Named>;

function compared(was: Identified, is: Identified, pictures: Pictures): Omit<GalleryChange, 'placed'> {
  const left = [...was].flatMap(([identity, picture]) => (is.has(identity) ? [] : [picture]));
  const came = new Map([...is].filter(([identity]) => !was.has(identity)));
  const classes = wholeClasses(left, came, pictures);
  const moved: { picture: Named; to: string }[] = [];
  const gone: Named[] = [];
  const newClass = new Map([...came.values()].map(({ sha256, class: name }) => [sha256, name]));
  for (const picture of left) {
    const whole = classes.find(({ from }) => from === picture.class);
    const to = whole?.to ?? newClass.get(picture.sha256);
    if (to !== undefined) came.delete(identityOf({ ...picture, class: to }));
    if (whole !== undefined) continue;
    if (to === undefined) gone.push(picture);
    else moved.push({ picture, to });
  }
  return { classes, moved, gone, added: [...came.values()] };
}

/** Classes that have nothing any more, and all of whose pictures one other class has got. */
function wholeClasses(left: readonly Named[], came: Identified, pictures: Pictures): ClassMove[] {
  const emptied = new Set(left.map((one) => one.class).filter((name) => !pictures.hasClass(name)));
  return [...emptied].flatMap((from) => {
    const sums = new Set(left.filter((one) => one.class === from).map(({ sha256 }) => sha256));
    const to = [...came.values()].find(({ sha256 }) => sums.has(sha256))?.class;
    const hasGot = (sum: string): boolean => pictures.ofSum(sum).some((one) => one.class === to);
    return to !== undefined && [...sums].every(hasGot) ? [{ from, to, sums }] : [];
  });
}

const identityOf = ({ sha256, class: name }: Named): string => `${sha256} ${name}`;

function put(index: Map<string, Map<string, Named>>, at: string, picture: Named): void {
  const there = index.get(at);
  if (there === undefined) index.set(at, new Map([[picture.key, picture]]));
  else there.set(picture.key, picture);
}

function take(index: Map<string, Map<string, Named>>, at: string, key: string): void {
  const there = index.get(at);
  there?.delete(key);
  if (there?.size === 0) index.delete(at);
}
