/**
 * What a version's gallery contains: its training images with the model's log applied.
 *
 * Two layers make it. The *dataset layer* is what the version's dataset has under each path: the training's own listing, and what the log
 * has seen of that dataset since. The *hand layer* is what users decided about single images: it counts for every version, also for one that is
 * trained later on a dataset which has the image otherwise. The rules:
 *
 * - An image is of the classes of the paths that have it, unless a user took it out of that class, and of the classes that users added it to.
 * - An image that a user labelled is of that class alone; one that a user rejected is of none.
 * - A class that was renamed keeps its new name for images that its folder gets later. A folder of another version that has none of the
 *   images the class had shares only the name, and keeps it.
 * - What was decided about a class before its rename had been seen counts for the new name.
 * - What a user took out returns when the dataset has lost the image and gets it again, or when a user adds it.
 */
import { compareText } from './gallery.ts';
import type { Added, Change, Fact, Labelled, Rejected, Removed, Renamed, Seen, Unreadable } from './facts.ts';
import { classOf, fileOf, keyOfImage } from './names.ts';

/** The training images of a version. */
export interface Base {
  /** The dataset of the registry that it was trained on; null: a folder, which nothing in the log refers to. */
  readonly dataset: string | null;
  /** The last change of the log when the dataset was listed: what was seen of it up to there is older than the listing. */
  readonly position: string | null;
  readonly images: readonly { readonly key: string; readonly sha256: string }[];
}

/** One row of a gallery, before it has an embedding. */
export interface GalleryImage {
  /** `<class>/<file>`, unique in the gallery. */
  readonly key: string;
  readonly class: string;
  readonly sha256: string;
  /** Where a dataset of the registry has it, or null. */
  readonly source: string | null;
}

interface AtPath {
  readonly sha256: string;
  readonly folder: string;
  readonly readable: boolean;
}

/** What users decided about an image. */
interface Hand {
  /** Whether it is of these classes alone, whatever datasets have. */
  exclusive: boolean;
  rejected: boolean;
  /** Its file in each class that it was added to. */
  readonly classes: Map<string, string>;
  /** Folders that it does not count in any more. */
  readonly removed: Set<string>;
  source: string | null;
}

interface Rename {
  /** Of the change that says so. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly held: ReadonlySet<string>;
}

export class GalleryContents {
  readonly #base: Base;
  readonly #prefix: string | null;
  #applied: readonly Change[] = [];
  readonly #paths = new Map<string, AtPath>();
  readonly #pathsOf = new Map<string, Set<string>>();
  readonly #hands = new Map<string, Hand>();
  /** The class that a folder of the dataset is now. */
  readonly #classOfFolder = new Map<string, string>();
  readonly #renames: Rename[] = [];
  /** The spelling in use of each name, by its composed form (NFC). */
  readonly #spelling = new Map<string, string>();
  #rows: readonly GalleryImage[] | null = null;

  /** @param changes of the model's log, by their ids ascending */
  constructor(base: Base, changes: readonly Change[] = []) {
    this.#base = base;
    this.#prefix = base.dataset === null ? null : `datasets/${base.dataset}/`;
    for (const { key, sha256 } of base.images) this.#put(key, sha256, true);
    this.#advance(changes);
  }

  /** The contents with a longer log: these, when the new changes come last, else made anew. */
  follow(changes: readonly Change[]): GalleryContents {
    const known = this.#applied.length;
    const isLonger = this.#applied.every(({ id }, i) => changes[i]?.id === id);
    if (!isLonger) return new GalleryContents(this.#base, changes);
    this.#advance(changes.slice(known));
    return this;
  }

  /** The changes that are in it. */
  get changes(): readonly Change[] {
    return this.#applied;
  }

  /** The rows, sorted by class and then by key, in code-unit order. */
  get images(): readonly GalleryImage[] {
    this.#rows ??= this.#rowsNow();
    return this.#rows;
  }

  /** The images that users said are of none of the classes. */
  get rejected(): readonly { readonly sha256: string; readonly source: string | null }[] {
    return [...this.#hands].flatMap(([sha256, { rejected, source }]) =>
      rejected ? [{ sha256, source }] : [],
    );
  }

  /** The classes that an image is under. */
  classesOf(sha256: string): ReadonlySet<string> {
    const hand = this.#hands.get(sha256);
    const classes = new Set(hand?.classes.keys());
    if (hand?.exclusive) return classes;
    for (const path of this.#pathsOf.get(sha256) ?? []) {
      const { folder, readable } = this.#paths.get(path) as AtPath;
      if (readable && !hand?.removed.has(folder)) classes.add(this.classOfFolder(folder));
    }
    return classes;
  }

  /** Whether a user labelled or rejected the image, so that datasets do not decide about it. */
  isDecided(sha256: string): boolean {
    return this.#hands.get(sha256)?.exclusive ?? false;
  }

  /** The class that a folder of the dataset is: its own name unless it was renamed. */
  classOfFolder(folder: string): string {
    return this.#classOfFolder.get(folder) ?? this.spelled(folder);
  }

  /** The name as the gallery spells it: of two Unicode spellings of one text the one in use; composed when new. */
  spelled(name: string): string {
    const composed = name.normalize('NFC');
    return this.#spelling.get(composed) ?? composed;
  }

  /** What the version's dataset has at `<class>/<file>`, as far as is known: a SHA-256, or null. */
  at(path: string): string | null {
    return this.#paths.get(path)?.sha256 ?? null;
  }

  /** Every path of the dataset that has the image. */
  pathsOf(sha256: string): readonly string[] {
    return [...(this.#pathsOf.get(sha256) ?? [])];
  }

  /** Every path at which the dataset has a file. */
  paths(): Iterable<string> {
    return this.#paths.keys();
  }

  #advance(changes: readonly Change[]): void {
    for (const change of changes) this.#apply(change);
    this.#applied = [...this.#applied, ...changes];
    this.#rows = null;
  }

  #apply(change: Change): void {
    const { facts } = change;
    for (let at = 0; at < facts.length; at++) {
      const fact = facts[at] as Fact;
      if (fact.op === 'rename') at = this.#applyRename(change, at, fact);
      else if (fact.op === 'seen' || fact.op === 'unreadable') this.#applySeen(change, fact);
      else this.#applyByHand(change, fact);
    }
  }

  /** The class that a change's writer meant: it may have been renamed when the writer had not seen that yet. */
  #meant({ after }: Change, name: string): string {
    let meant = this.#spell(name);
    for (const { id, from, to } of this.#renames) {
      if ((after === null || id > after) && from === meant) meant = to;
    }
    return meant;
  }

  #applyByHand(change: Change, fact: Added | Labelled | Rejected | Removed): void {
    switch (fact.op) {
      case 'add':
      case 'label':
      case 'reject': {
        const hand = this.#hand(fact.sha256);
        hand.rejected = fact.op === 'reject';
        hand.source = fact.source ?? hand.source;
        if (fact.op !== 'add') {
          hand.exclusive = true;
          hand.classes.clear();
          hand.removed.clear();
        }
        if (fact.op === 'reject') break;
        const name = this.#meant(change, fact.class);
        for (const folder of this.#foldersOf(name)) hand.removed.delete(folder);
        hand.classes.set(name, hand.classes.get(name) ?? fact.file);
        break;
      }
      case 'remove': {
        const hand = this.#hand(fact.sha256);
        const name = this.#meant(change, fact.class);
        hand.classes.delete(name);
        if (!hand.exclusive) for (const folder of this.#foldersOf(name)) hand.removed.add(folder);
        break;
      }
    }
  }

  /** @returns where the facts about this rename end */
  #applyRename(change: Change, at: number, { class: from, to }: Renamed): number {
    const { facts, id } = change;
    const held = new Set<string>();
    let last = at;
    for (; ; last++) {
      const next = facts[last + 1];
      held.add((facts[last] as Renamed).sha256);
      if (next?.op !== 'rename' || next.class !== from || next.to !== to) break;
    }
    this.#rename({ id, from: this.#meant(change, from), to: this.#meant(change, to), held });
    return last;
  }

  /** Images that users added go along in any case; a folder only when it is the class that was renamed. */
  #rename(rename: Rename): void {
    const { from, to } = rename;
    this.#renames.push(rename);
    if (from === to) return;
    for (const [sha256, hand] of this.#hands) {
      const file = hand.classes.get(from);
      if (file !== undefined) {
        hand.classes.delete(from);
        hand.classes.set(to, hand.classes.get(to) ?? file);
      }
      if (hand.removed.has(from) && !this.classesOf(sha256).has(to)) hand.removed.add(to);
    }
    for (const folder of this.#foldersOf(from)) {
      if (this.#isRenamed(folder, rename)) this.#classOfFolder.set(folder, to);
    }
  }

  #isRenamed(folder: string, { held }: Rename): boolean {
    let isEmpty = true;
    for (const at of this.#paths.values()) {
      if (at.folder !== folder || this.isDecided(at.sha256)) continue;
      if (held.has(at.sha256)) return true;
      isEmpty = false;
    }
    return isEmpty;
  }

  /** The folders that are this class, itself included unless it has become another one. */
  #foldersOf(name: string): string[] {
    const folders = [...this.#classOfFolder].flatMap(([folder, now]) => (now === name ? [folder] : []));
    return this.classOfFolder(name) === name && !folders.includes(name) ? [...folders, name] : folders;
  }

  /** What was seen before the training listed the dataset is older than its listing. */
  #applySeen({ id }: Change, { op, path: key, sha256, was, lost }: Seen | Unreadable): void {
    const path = this.#pathIn(key);
    if (path === null) return;
    if (this.#base.position === null || id > this.#base.position) {
      this.#leave(path);
      if (sha256 !== null) this.#put(path, sha256, op === 'seen');
    }
    if (lost && was !== null) this.#forget(was, classOf(path));
  }

  /** `<class>/<file>` where the key is one of the version's own dataset. */
  #pathIn(key: string): string | null {
    return this.#prefix !== null && key.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : null;
  }

  #put(path: string, sha256: string, readable: boolean): void {
    const folder = classOf(path);
    if (!this.#classOfFolder.has(folder)) this.#classOfFolder.set(folder, this.#spell(folder));
    this.#paths.delete(path);
    this.#paths.set(path, { sha256, folder, readable });
    const paths = this.#pathsOf.get(sha256) ?? new Set();
    this.#pathsOf.set(sha256, paths.add(path));
  }

  #leave(path: string): void {
    const at = this.#paths.get(path);
    if (at === undefined) return;
    this.#paths.delete(path);
    const paths = this.#pathsOf.get(at.sha256);
    paths?.delete(path);
    if (paths?.size === 0) this.#pathsOf.delete(at.sha256);
  }

  /** Once the dataset has lost an image, that it was taken out says nothing about the image's return. */
  #forget(sha256: string, folder: string): void {
    const hand = this.#hands.get(sha256);
    hand?.removed.delete(folder);
    if (hand?.exclusive && !hand.rejected && hand.classes.size === 0) this.#hands.delete(sha256);
  }

  #hand(sha256: string): Hand {
    const known = this.#hands.get(sha256);
    if (known !== undefined) return known;
    const hand: Hand = {
      exclusive: false,
      rejected: false,
      classes: new Map(),
      removed: new Set(),
      source: null,
    };
    this.#hands.set(sha256, hand);
    return hand;
  }

  /** The name as it is spelled from now on. */
  #spell(name: string): string {
    const composed = name.normalize('NFC');
    const known = this.#spelling.get(composed);
    if (known !== undefined) return known;
    this.#spelling.set(composed, name);
    return name;
  }

  #rowsNow(): GalleryImage[] {
    const rows = new Map<string, GalleryImage>();
    const there = new Set<string>();
    const put = (className: string, file: string, sha256: string, source: string | null): void => {
      const identity = `${sha256} ${className}`;
      if (there.has(identity)) return;
      there.add(identity);
      const key = keyOfImage(`${className}/${file}`, sha256, (one) => rows.get(one)?.sha256);
      rows.set(key, { key, class: className, sha256, source });
    };
    for (const [path, { sha256, folder, readable }] of this.#paths) {
      const hand = this.#hands.get(sha256);
      if (!readable || hand?.exclusive || hand?.removed.has(folder)) continue;
      const source = this.#prefix === null ? null : `${this.#prefix}${path}`;
      put(this.classOfFolder(folder), fileOf(path), sha256, source);
    }
    for (const [sha256, { classes, source }] of this.#hands) {
      const [path] = this.#pathsOf.get(sha256) ?? [];
      const stored = path === undefined || this.#prefix === null ? source : `${this.#prefix}${path}`;
      for (const [className, file] of classes) put(className, file, sha256, stored);
    }
    return [...rows.values()].sort((a, b) => compareText(a.class, b.class) || compareText(a.key, b.key));
  }
}
