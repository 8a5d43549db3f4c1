/**
 * Thousands of schedules of everything that changes a gallery, under way at once, with crashes and clocks that are hours wrong, against a model.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GalleryContents } from '../../../core/gallery/contents.ts';
import type { Base } from '../../../core/gallery/contents.ts';
import { createChange, idAfter } from '../../../core/gallery/facts.ts';
import type { AtPath } from '../../../core/gallery/operations.ts';
import type { Change, Fact } from '../../../core/gallery/facts.ts';
import { mergeClasses, seeDataset } from '../../../core/gallery/operations.ts';
import { Random } from '../../../core/random.ts';
import { compactGallery } from '../../../core/registry/compaction.ts';
import { putChange, readLog } from '../../../core/registry/gallery-log.ts';
import '../../../core/gallery/arrow-write.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { Crash, Schedule } from './schedules.ts';
import { sha256Of } from './support.ts';

const SCHEDULES = Number(process.env['KINDRED_SCHEDULES'] ?? 2000);
const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 10, 30, 12);
const FOLDERS = ['a', 'b', 'c'];
const FILES = [0, 1, 2];
/** The folder of each of the dataset's images; the one called after its folder is never touched. */
const FOLDER_OF = new Map(
  FOLDERS.flatMap((folder) => ['', ...FILES].map((file) => [sha256Of(`${folder}${file}`), folder])),
);
const CLASSES = [...FOLDERS, 'd', 'e'];
const PREFIX = 'datasets/d/';
const PRODUCTION = 'models/m/aliases/production.json';

/** What the log says, read as a user would: the classes of each image. Where a folder's image lies is known by its name. */
function model(changes: readonly Change[]): (sha256: string, isInDataset: boolean) => Set<string> {
  const name = new Map(FOLDERS.map((folder) => [folder, folder]));
  const renames: { id: string; from: string; to: string }[] = [];
  const added = new Map<string, Set<string>>();
  const [decided, out] = [new Set<string>(), new Set<string>()];
  for (const { id, after, facts } of changes) {
    const unseen = renames.filter((rename) => after === null || rename.id > after);
    const meant = (one: string): string =>
      unseen.reduce((now, { from, to }) => (now === from ? to : now), one);
    const renamed = facts.flatMap((fact) => (fact.op === 'rename' ? [fact] : []));
    for (const [from, to] of new Map(renamed.map((fact) => [meant(fact.class), meant(fact.to)]))) {
      const held = new Set(renamed.map(({ sha256 }) => sha256));
      for (const folder of FOLDERS) {
        if (name.get(folder) === from && held.has(sha256Of(folder))) name.set(folder, to);
      }
      for (const classes of added.values()) if (classes.delete(from)) classes.add(to);
      renames.push({ id, from, to });
    }
    for (const fact of facts) {
      if (fact.op === 'seen' && fact.was !== null && fact.lost) {
        out.delete(fact.was);
        if (added.get(fact.was)?.size === 0) decided.delete(fact.was);
      } else if (fact.op === 'remove') {
        added.get(fact.sha256)?.delete(meant(fact.class));
        if (name.get(FOLDER_OF.get(fact.sha256) ?? '') === meant(fact.class)) out.add(fact.sha256);
      } else if (fact.op === 'add' || fact.op === 'label') {
        if (fact.op === 'label') {
          added.delete(fact.sha256);
          out.delete(fact.sha256);
          decided.add(fact.sha256);
        }
        added.set(fact.sha256, (added.get(fact.sha256) ?? new Set()).add(meant(fact.class)));
      }
    }
  }
  return (sha256, isInDataset) => {
    const classes = new Set(added.get(sha256));
    const folder = FOLDER_OF.get(sha256);
    if (isInDataset && !out.has(sha256) && !decided.has(sha256)) classes.add(name.get(folder ?? '') ?? '');
    return classes;
  };
}

/** A registry with versions whose trainings are their listings; what a version is, is beside the store. */
class World {
  readonly store = memoryStore();
  readonly random: Random;
  readonly schedule: Schedule;
  readonly versions: Base[] = [];
  /** Operations that reported success, and those that had ended before each began. */
  readonly done = new Map<string, readonly string[]>();
  readonly #ended: string[] = [];
  #count = 0;
  #known: readonly Change[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
    this.schedule = new Schedule(this.random);
  }

  one<T>(of: readonly T[]): T {
    return of[this.random.below(of.length)] as T;
  }

  /** The listing of the dataset, after the log was read: what a training begins with. */
  async train(store: ObjectStore): Promise<Base> {
    const position = (await this.log(store)).at(-1)?.id ?? null;
    const images: { key: string; sha256: string }[] = [];
    for (const path of await listed(store)) {
      const found = await store.get(PREFIX + path);
      if (found !== null) images.push({ key: path, sha256: Buffer.from(found.bytes).toString() });
    }
    return { dataset: 'd', position, images };
  }

  /** Every request is made; what was parsed once is not parsed again. */
  async log(store: ObjectStore): Promise<readonly Change[]> {
    const log = await readLog(store, 'm', this.#known);
    if (log.length > this.#known.length) this.#known = log;
    return log;
  }

  async contents(store: ObjectStore, version?: number): Promise<GalleryContents> {
    const number = version ?? Number(Buffer.from((await store.get(PRODUCTION))?.bytes ?? []).toString());
    return new GalleryContents(this.versions[number] as Base, await this.log(store));
  }

  /** Records what `decide` makes of the gallery, by a machine whose clock is wrong. */
  async record(store: ObjectStore, decide: (contents: GalleryContents) => readonly Fact[]): Promise<boolean> {
    const before = [...this.#ended];
    const contents = await this.contents(store);
    const facts = decide(contents);
    if (facts.length === 0) return false;
    const name = String(++this.#count);
    const clock = NOON + Math.round((this.random.float() * 10 - 5) * HOUR);
    const after = contents.changes.at(-1)?.id ?? null;
    const id = idAfter(after, clock, () => this.random.float());
    await putChange(store, 'm', createChange({ id, after, by: name, facts }));
    this.done.set(name, before);
    this.#ended.push(name);
    return true;
  }

  /** Has the log say what the dataset has. */
  async reconcile(store: ObjectStore): Promise<void> {
    for (;;) {
      const now = new Map<string, AtPath>();
      for (const path of await listed(store)) {
        const found = await store.get(PREFIX + path);
        if (found !== null) now.set(path, { sha256: Buffer.from(found.bytes).toString(), readable: true });
      }
      const isChanged = await this.record(store, (contents) => {
        const gone = [...contents.paths()].filter((path) => !now.has(path));
        return seeDataset(contents, 'd', new Map([...now, ...gone.map((path) => [path, null] as const)]));
      });
      if (!isChanged) return;
    }
  }

  operation(): (store: ObjectStore) => Promise<void> {
    const folder = this.one(FOLDERS);
    const [from, to] = [this.one(CLASSES), this.one(CLASSES)];
    const file = `${folder}${this.one(FILES)}`;
    const [own, other] = [sha256Of(file), sha256Of(`other${this.random.below(4)}`)];
    const path = `${folder}/${file}`;
    const put = { class: to, file: 'x', source: null };
    const operations: ((store: ObjectStore) => Promise<unknown>)[] = [
      async (store) => this.record(store, () => [{ op: 'add', sha256: other, ...put }]),
      async (store) => this.record(store, () => [{ op: 'label', sha256: this.one([own, other]), ...put }]),
      async (store) => {
        const sha256 = this.one([own, own, other]);
        return this.record(store, (contents) =>
          [...contents.classesOf(sha256)].map((name): Fact => ({ op: 'remove', class: name, sha256 })),
        );
      },
      async (store) =>
        this.record(store, (contents) => emptyUnless(() => mergeClasses(contents, [from], to))),
      async (store) => store.put(PREFIX + path, Buffer.from(own)).then(async () => this.reconcile(store)),
      async (store) => store.delete(PREFIX + path).then(async () => this.reconcile(store)),
      async (store) => compactGallery(store, 'm', { atLeast: 2 }),
      async (store) => {
        const version = this.versions.push(await this.train(store)) - 1;
        await store.put(PRODUCTION, Buffer.from(String(version)));
      },
      // Back to any version before.
      async (store) => store.put(PRODUCTION, Buffer.from(String(this.random.below(this.versions.length)))),
    ];
    const chosen = this.one(operations);
    return async (store) => void (await chosen(store));
  }
}

async function listed(store: ObjectStore): Promise<string[]> {
  const paths: string[] = [];
  for await (const { key } of store.list(PREFIX)) paths.push(key.slice(PREFIX.length));
  return paths;
}

function emptyUnless<T>(work: () => T[]): T[] {
  try {
    return work();
  } catch {
    return [];
  }
}

async function schedule(seed: number): Promise<void> {
  const world = new World(seed);
  const { store } = world;
  // An image of each folder that nothing touches: so a class that was renamed is known again in every version.
  for (const folder of FOLDERS)
    await store.put(`${PREFIX}${folder}/${folder}`, Buffer.from(sha256Of(folder)));
  world.versions.push(await world.train(store));
  await store.put(PRODUCTION, Buffer.from('0'));

  for (let round = 0; round < 3; round++) {
    await world.schedule.run(
      Array.from({ length: 4 }, () => {
        const operation = world.operation();
        const view = world.schedule.view(store, 0.03);
        return async () =>
          operation(view).catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error;
          });
      }),
    );
  }

  const log = await readLog(store, 'm');
  const order = new Map(log.map(({ by }, i) => [by, i]));
  for (const [name, before] of world.done) {
    assert.ok(order.has(name), `change ${name} is lost (seed ${seed})`);
    for (const one of before) {
      assert.ok((order.get(one) ?? 0) < (order.get(name) ?? 0), `${one} before ${name} (seed ${seed})`);
    }
  }
  for (const version of world.versions.keys()) {
    await store.put(PRODUCTION, Buffer.from(String(version)));
    await world.reconcile(store);
    const contents = await world.contents(store, version);
    const expected = model(contents.changes);
    const there = new Set((await listed(store)).map(sumAt));
    const sums = new Set([...there, ...contents.changes.flatMap(sumsOf)]);
    for (const sum of sums) {
      assert.deepEqual(
        [...contents.classesOf(sum)].sort(),
        [...expected(sum, there.has(sum))].sort(),
        `version ${version}, image ${sum.slice(0, 6)} (seed ${seed})\n${told(contents.changes, world.versions[version])}`,
      );
    }
  }
}

/** An image's bytes are made of its file's name. */
const sumAt = (path: string): string => sha256Of(path.slice(path.indexOf('/') + 1));

/** The log in short, for a failure. */
function told(changes: readonly Change[], base: Base | undefined): string {
  const short = (_: string, value: unknown): unknown =>
    typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 6) : value;
  return [...changes, base].map((one) => JSON.stringify(one, short)).join('\n');
}

const sumsOf = ({ facts }: Change): string[] => facts.flatMap(({ sha256 }) => sha256 ?? []);

test(`A change made at any moment is in the gallery of every version (${SCHEDULES} schedules)`, async () => {
  for (let seed = 0; seed < SCHEDULES; seed++) await schedule(seed);
});
