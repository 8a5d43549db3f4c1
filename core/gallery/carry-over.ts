/**
 * What the changes of one version's gallery mean for another version's. Names and checksums decide, never distances: the two versions'
 * embeddings have nothing to do with each other.
 */
import { applyEntries } from './apply.ts';
import { change, type ClassMove, Pictures, type Placed } from './changes.ts';
import type { Gallery } from './gallery.ts';
import { fileOf, uniqueKey } from './names.ts';
import type { Named, NamedEntry, Removal, Segment } from './segments.ts';

/** A version's gallery as it was made, and everything that was changed since, oldest first. */
export interface GalleryLog {
  readonly made: Gallery;
  readonly segments: readonly Segment[];
}

/** A change for the other version, under the id it has in the first; the embeddings of its additions are still to be found. */
export interface PlannedSegment {
  readonly id: string;
  readonly entries: readonly NamedEntry[];
}

/** Something that stays as the other version's own data say: a picture's class, or a class that shares nothing but its name. */
export type KeptNote =
  | { readonly kind: 'picture'; readonly key: string; readonly own: string }
  | { readonly kind: 'class'; readonly class: string; readonly to: string };

export interface CarryPlan {
  readonly segments: readonly PlannedSegment[];
  readonly kept: readonly KeptNote[];
}

/**
 * The changes of `from` that `to` does not have yet, in terms of `to`. A change keeps its id, so that it is never made twice, stands in the
 * same order among the others, and finds its way back.
 *
 * - A picture that was added is added, unless `to` was made with it, or it was taken out of `from` again since.
 * - A picture that was taken out, or got another class, is taken out or gets it where `to` has the picture under the same class.
 * - What was seen of a data set is so in both: where `to` was made from a later state of it, whoever looks next finds the difference.
 * - A class that was renamed or merged as a whole is so with all pictures that `to` has in it, if it has one of those that were moved:
 *   else the two classes share nothing but the name.
 * @param only plan these changes alone
 */
export function planCarryOver(from: GalleryLog, to: GalleryLog, only?: ReadonlySet<string>): CarryPlan {
  const [mine, theirs] = [Pictures.of(from.made), Pictures.of(to.made)];
  const last = Pictures.of(from.made, from.segments);
  const own = classesMadeWith(to.made, from);
  const there = new Map(to.segments.map(({ id, entries }) => [id, entries]));
  const changes = new Map(from.segments.map(({ id, entries }) => [id, entries]));
  const segments: PlannedSegment[] = [];
  const kept: KeptNote[] = [];
  for (const id of [...new Set([...there.keys(), ...changes.keys()])].sort()) {
    const made = changes.get(id) ?? [];
    const changed = change(mine, made);
    const done = there.get(id);
    if (done !== undefined) applyEntries<Named>(theirs, done);
    else if (only === undefined || only.has(id)) {
      const seen = made.filter((entry) => entry.op === 'seen');
      const entries = [...translated(changed, { mine, theirs, last, own, kept }), ...seen];
      applyEntries<Named>(theirs, entries);
      segments.push({ id, entries });
    }
  }
  return { segments, kept };
}

/** The classes that were renamed or merged since the gallery was made: from the name that each was made with to the one it has now. */
export function renamesSince({ made, segments }: GalleryLog): Map<string, string> {
  const pictures = Pictures.of(made);
  const names = new Map(made.classes.map((name) => [name, name]));
  for (const { entries } of segments) {
    for (const { from, to } of change(pictures, entries).classes) {
      for (const [first, now] of names) if (now === from) names.set(first, to);
    }
  }
  return new Map([...names].filter(([first, now]) => first !== now));
}

interface Situation {
  /** The first version after the change, the other one before it, and the first one in the end. */
  readonly mine: Pictures;
  readonly theirs: Pictures;
  readonly last: Pictures;
  /** Of pictures that somebody said the one class of: the classes that the other version was made with them under. */
  readonly own: ReadonlyMap<string, ReadonlySet<string>>;
  readonly kept: KeptNote[];
}

function translated(
  { classes, moved, gone, added, placed }: ReturnType<typeof change>,
  situation: Situation,
): (Named | Removal)[] {
  const { theirs, last } = situation;
  const entries: (Named | Removal)[] = [];
  let taken: Set<string> | undefined;
  const move = (pictures: readonly Named[], to: string): void => {
    for (const picture of pictures) {
      entries.push(removal(picture));
      if (theirs.same({ ...picture, class: to }).length > 0) continue;
      taken ??= new Set(theirs.keys());
      const key = uniqueKey(to, fileOf(picture.key), taken);
      taken.add(key);
      entries.push({ ...picture, key, class: to });
    }
  };
  for (const whole of classes) move(picturesOfClass(whole, situation), whole.to);
  for (const { picture, to } of moved) move(theirs.same(picture), to);
  for (const picture of gone) entries.push(...theirs.same(picture).map(removal));
  for (const picture of added) {
    if (last.ofSum(picture.sha256).length > 0 && isWanted(picture, situation)) entries.push(picture);
  }
  for (const one of placed) entries.push(...placedIn(one, situation));
  return entries.map((entry) => (entry.op === 'add' ? spelledIn(theirs, entry) : entry));
}

/** Under the name that its class has there, perhaps in another spelling of Unicode. */
function spelledIn(theirs: Pictures, picture: Named): Named {
  const name = theirs.spelled(picture.class);
  return name === picture.class
    ? picture
    : { ...picture, class: name, key: `${name}/${fileOf(picture.key)}` };
}

/** Somebody's word counts for the other version too, unless its own data, which nobody of the first knew, have the picture under another class. */
function placedIn({ picture, before }: Placed, { theirs, last, own, kept }: Situation): (Named | Removal)[] {
  const known = theirs.ofSum(picture.sha256);
  const others = known.filter((one) => one.class !== picture.class);
  const decided = others.find((one) => own.get(picture.sha256)?.has(one.class) && !before.has(one.class));
  if (decided !== undefined) {
    kept.push({ kind: 'picture', key: picture.key, own: decided.class });
    return [];
  }
  // It was taken out again since, and is perhaps not kept any more.
  if (last.ofSum(picture.sha256).length === 0) return others.map(removal);
  return [{ ...picture, alone: true }];
}

/** The classes that a version was made with, of pictures that somebody of the other one said the one class of. */
function classesMadeWith(made: Gallery, { segments }: GalleryLog): Map<string, Set<string>> {
  const classes = new Map<string, Set<string>>();
  for (const { entries } of segments) {
    for (const entry of entries) if (entry.op === 'add' && entry.alone) classes.set(entry.sha256, new Set());
  }
  if (classes.size === 0) return classes;
  for (const [row, sum] of made.sha256.entries()) classes.get(sum)?.add(made.classes[row] ?? '');
  return classes;
}

/** All that the other version has in a class that was moved as a whole, if it is the same class. */
function picturesOfClass({ from, to, sums }: ClassMove, { theirs, kept }: Situation): Named[] {
  const found = theirs.ofClass(from);
  if (found.length === 0 || found.some(({ sha256 }) => sums.has(sha256))) return found;
  kept.push({ kind: 'class', class: from, to });
  return [];
}

/** Whether the other version lacks the picture; where its own data have it under another class, they decide. */
function isWanted(picture: Named, { mine, theirs, kept }: Situation): boolean {
  const known = theirs.ofSum(picture.sha256);
  if (known.some((one) => one.class === picture.class)) return false;
  const other = known.find((one) => mine.same(one).length === 0);
  if (other === undefined) return true;
  kept.push({ kind: 'picture', key: picture.key, own: other.class });
  return false;
}

function removal({ key }: Named): Removal {
  return { op: 'remove', key };
}
