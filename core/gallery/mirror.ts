/**
 * What a gallery has taken up of a data set, and what is to change in it when the data set is another one by now. Names and checksums
 * decide; nothing is read here. The gallery says of itself which state of the data set it is in: it was made from one, and every change
 * that followed the data set notes what it saw there. So the same difference is found by anybody, whenever, and nothing is done twice.
 */
import { overruledSums } from './apply.ts';
import type { GalleryLog } from './carry-over.ts';
import { change, Pictures } from './changes.ts';
import { classOf, fileOf, keyOfPicture } from './names.ts';
import type { Named, Removal, Seen, Segment } from './segments.ts';

/** A picture of the data set that the gallery has to get; `path` is `<class>/<file>` in the data set. */
export interface Wanted {
  readonly path: string;
  readonly picture: Named;
}

export interface MirrorPlan {
  readonly removals: readonly Removal[];
  readonly additions: readonly Wanted[];
  readonly seen: readonly Seen[];
  /** Paths whose picture leaves the gallery. */
  readonly left: readonly string[];
  /** Pictures that were to go with one path and stay because of another one, by checksum: where they are now. */
  readonly stay: ReadonlyMap<string, string>;
}

/**
 * A gallery as the mirror of a data set. Pictures that people added, moved or took out of the gallery are theirs: they differ from
 * the data set on purpose, and stay so until the data set's own picture changes.
 */
export class Mirror {
  readonly #prefix: string;
  readonly #made: GalleryLog['made'];
  readonly #applied: string[] = [];
  readonly #pictures: Pictures;
  /** By path; null where the data set was seen to have none. */
  readonly #seen = new Map<string, string | null>();
  readonly #paths = new Map<string, Set<string>>();
  /** Checksums of pictures that came from the data set. */
  readonly #taken: Set<string>;
  /** Classes that were renamed or merged: from a name to the one after it. */
  readonly #renamed = new Map<string, string>();

  /** @param madeFrom the data set that the gallery was made from, or null where that is no data set of the registry */
  constructor({ made, segments }: GalleryLog, dataSet: string, madeFrom: string | null = dataSet) {
    this.#prefix = `datasets/${dataSet}/`;
    this.#made = made;
    this.#pictures = Pictures.of(made);
    this.#taken = new Set(dataSet === madeFrom ? made.sha256 : []);
    if (dataSet === madeFrom) {
      for (const [row, key] of made.keys.entries()) this.#see(key, made.sha256[row] ?? null);
    }
    for (const segment of segments) this.#apply(segment);
  }

  /** Takes up what is new in the log. @returns false when the log is not this one's, or not only longer: make another mirror then */
  follow({ made, segments }: GalleryLog): boolean {
    if (made !== this.#made || this.#applied.some((id, i) => segments[i]?.id !== id)) return false;
    for (const segment of segments.slice(this.#applied.length)) this.#apply(segment);
    return true;
  }

  /** What the data set had there when that was last looked at: a checksum, null for none, undefined when nobody looked yet. */
  seen(path: string): string | null | undefined {
    return this.#seen.get(path);
  }

  /** All paths at which the data set was seen to have a picture. */
  *paths(): Iterable<string> {
    for (const [path, sha256] of this.#seen) if (sha256 !== null) yield path;
  }

  /**
   * What has to change.
   * @param now what the data set has by now under some paths
   * @returns null when nothing has
   */
  plan(now: ReadonlyMap<string, string | null>): MirrorPlan | null {
    const changed = [...now].filter(([path, sha256]) => sha256 !== (this.#seen.get(path) ?? null));
    if (changed.length === 0) return null;
    const leaving = this.#leaving(changed, now);
    const gone = new Map(leaving.rows.map((row) => [row.key, row]));
    const additions = this.#arriving(changed, gone);
    const back = new Set(additions.map(({ picture }) => picture.sha256));
    const { stay, left } = leaving;
    const removals = [...gone.keys()].map((key): Removal => ({ op: 'remove', key }));
    if (leaving.rows.some(({ sha256 }) => back.has(sha256))) {
      // In one change, a picture that goes from one class and comes in another would be a class that was renamed.
      const paths = changed.filter(([path]) => left.includes(path));
      return { removals, additions: [], seen: paths.map(([path]) => this.#note(path, null)), left, stay };
    }
    return {
      removals,
      additions,
      seen: changed.map(([path, sha256]) => this.#note(path, sha256)),
      left,
      stay,
    };
  }

  #note(path: string, sha256: string | null): Seen {
    return { op: 'seen', key: `${this.#prefix}${path}`, sha256 };
  }

  /** The rows that go, since what their paths had is there no more. */
  #leaving(
    changed: readonly (readonly [string, string | null])[],
    now: ReadonlyMap<string, string | null>,
  ): { rows: Named[]; left: string[]; stay: Map<string, string> } {
    const rows: Named[] = [];
    const left: string[] = [];
    const stay = new Map<string, string>();
    for (const [path] of changed) {
      const before = this.#seen.get(path) ?? null;
      if (before === null) continue;
      left.push(path);
      if (!this.#taken.has(before)) continue;
      const others = [...(this.#paths.get(before) ?? [])].filter(
        (other) => (now.has(other) ? now.get(other) : before) === before,
      );
      const [heir] = others;
      if (heir !== undefined) stay.set(before, `${this.#prefix}${heir}`);
      const kept = new Set(others.map((other) => this.#classOf(other)));
      const mine = this.#classOf(path);
      const going = this.#pictures.ofSum(before).filter((row) => {
        return heir === undefined || (row.class === mine && !kept.has(mine));
      });
      rows.push(...going);
    }
    return { rows, left, stay };
  }

  /** What comes, apart from pictures that are under that class already, or were put elsewhere by hand. */
  #arriving(
    changed: readonly (readonly [string, string | null])[],
    gone: ReadonlyMap<string, Named>,
  ): Wanted[] {
    const additions: Wanted[] = [];
    const keys = new Map<string, string>();
    const isTaken = (key: string): string | undefined =>
      keys.get(key) ?? (gone.has(key) ? undefined : this.#pictures.get(key)?.sha256);
    const isThere = (sha256: string, name: string): boolean =>
      this.#pictures.ofSum(sha256).some((row) => row.class === name && !gone.has(row.key)) ||
      additions.some(({ picture }) => picture.sha256 === sha256 && picture.class === name);
    for (const [path, sha256] of changed) {
      if (sha256 === null) continue;
      const name = this.#classOf(path);
      const twin = [...(this.#paths.get(sha256) ?? [])].some(
        (other) => other !== path && this.#classOf(other) === name && !changed.some(([one]) => one === other),
      );
      if (twin || isThere(sha256, name) || this.#isSaid(sha256, gone)) continue;
      const key = keyOfPicture(`${name}/${fileOf(path)}`, sha256, isTaken);
      keys.set(key, sha256);
      additions.push({ path, picture: { op: 'add', key, class: name, sha256 } });
    }
    return additions;
  }

  /** Whether somebody has said the one class of a picture that stays. */
  #isSaid(sha256: string, gone: ReadonlyMap<string, Named>): boolean {
    if (!this.#pictures.said.has(sha256)) return false;
    return this.#pictures.ofSum(sha256).some(({ key }) => !gone.has(key));
  }

  /** The class that a picture of this path belongs under: by the name it has in the gallery now. */
  #classOf(path: string): string {
    let name = classOf(path);
    const passed = new Set<string>();
    while (!this.#pictures.hasClass(name) && !passed.has(name)) {
      passed.add(name);
      name = this.#renamed.get(name) ?? name;
    }
    return this.#pictures.spelled(name);
  }

  #apply({ id, entries }: Segment): void {
    this.#applied.push(id);
    const seen = entries.filter((entry) => entry.op === 'seen');
    const mine = seen.filter(({ key }) => key.startsWith(this.#prefix));
    const sums = new Set(mine.map(({ sha256 }) => sha256));
    const overruled = overruledSums(this.#pictures, entries);
    for (const entry of entries) {
      if (entry.op !== 'add' || overruled.has(entry.sha256)) continue;
      if (sums.has(entry.sha256)) this.#taken.add(entry.sha256);
    }
    const { classes } = change(this.#pictures, entries);
    // Whoever follows a data set moves no class.
    if (seen.length === 0) for (const { from, to } of classes) this.#renamed.set(from, to);
    for (const { key, sha256 } of mine) this.#see(key.slice(this.#prefix.length), sha256);
  }

  #see(path: string, sha256: string | null): void {
    const before = this.#seen.get(path) ?? null;
    if (before !== null) this.#paths.get(before)?.delete(path);
    this.#seen.set(path, sha256);
    if (sha256 === null) return;
    const paths = this.#paths.get(sha256);
    if (paths === undefined) this.#paths.set(sha256, new Set([path]));
    else paths.add(path);
  }
}
