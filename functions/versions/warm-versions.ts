/**
 * The versions that answer in this process. What an alias points to stays loaded; the store is asked for the alias, and for additions
 * to the gallery, only now and then, and beside the requests. When an alias moves, the new version is loaded beside the old one and
 * takes its place when it is ready; requests under way end on the one that they began with.
 */
import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import { EngineFailedError, NotFoundError } from '../../core/errors.ts';
import type { Change } from '../../core/gallery/facts.ts';
import { openEmbedder } from '../../core/registry/open-version.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { Line } from '../http/line.ts';
import type { Run } from './batcher.ts';
import { WarmVersion } from './warm-version.ts';
import type { VersionName } from './warm-version.ts';

export interface WarmOptions {
  /** @default onnx */
  /** How many versions may be in memory, those being loaded and those being left included. At least 2. @default 3 */
  readonly most?: number;
  /** Milliseconds until alias and gallery are looked at again. @default 2000 */
  readonly lookMs?: number;
  /** Milliseconds after which a request waits for that look instead of going ahead. @default 30 000 */
  readonly staleMs?: number;
  /** Pictures that the engine gets at once. @default 4 */
  readonly batch?: number;
  /** Loads that may wait for their turn; more are refused. @default 16 */
  readonly waitingLoads?: number;
  /** A look or a load beside the requests failed; they go on with what there is. */
  readonly onTrouble?: (error: unknown) => void;
  readonly onRun?: (name: VersionName, run: Run) => void;
  /** What opens a version's network. @default openEmbedder */
  readonly open?: typeof openEmbedder;
}

/** What is asked for: an alias, or a version by its number. */
export type Asked = { readonly model: string } & ({ readonly alias: string } | { readonly version: number });

interface Slot {
  readonly name: VersionName;
  readonly ready: Promise<WarmVersion>;
  /** Null while it is being loaded. */
  warm: WarmVersion | null;
  users: number;
  lastUsed: number;
  lookedAt: number;
  looking: Promise<void> | null;
  /** Called once when nobody uses it any more. */
  onIdle: (() => void) | null;
}

interface Followed {
  version: number;
  lookedAt: number;
  looking: Promise<void> | null;
  /** One look after another: the slower one of two at once might have seen the older state. */
  readonly inTurn: LimitFunction;
}

export class WarmVersions {
  readonly #registry: Registry;
  readonly #options: Required<WarmOptions>;
  readonly #slots = new Map<string, Slot>();
  readonly #aliases = new Map<string, Followed>();
  /** One load after another: each may have to wait for memory. */
  readonly #loads: Line;
  /** In memory, with those that are not in `#slots` any more. */
  #held = 0;
  #uses = 0;

  constructor(registry: Registry, options: WarmOptions = {}) {
    this.#registry = registry;
    this.#options = {
      most: Math.max(2, options.most ?? 3),
      lookMs: options.lookMs ?? 2000,
      staleMs: options.staleMs ?? 30_000,
      batch: options.batch ?? 4,
      waitingLoads: options.waitingLoads ?? 16,
      onTrouble: options.onTrouble ?? (() => undefined),
      onRun: options.onRun ?? (() => undefined),
      open: options.open ?? openEmbedder,
    };
    this.#loads = new Line('Versions are being loaded', { atOnce: 1, waiting: this.#options.waitingLoads });
  }

  /** The loaded versions. */
  get warm(): readonly WarmVersion[] {
    return [...this.#slots.values()].flatMap(({ warm }) => (warm === null ? [] : [warm]));
  }

  /** Versions in memory: those that answer, those being loaded, and those that end their last requests. */
  get held(): number {
    return this.#held;
  }

  /**
   * Has a version do some work; it stays loaded until that has ended.
   * @throws NotFoundError; CorruptDataError; SkewError; RequestError (busy) when too many versions are asked for at once
   */
  async ask<T>(asked: Asked, work: (version: WarmVersion) => Promise<T>): Promise<T> {
    const version = 'version' in asked ? asked.version : await this.#followed(asked.model, asked.alias);
    const slot = this.#slot({ model: asked.model, version });
    slot.users++;
    slot.lastUsed = ++this.#uses;
    try {
      const warm = await slot.ready;
      await this.#lookAtGallery(slot, warm);
      return await work(warm);
    } catch (error) {
      // Whoever asks next gets one whose engine computes.
      if (error instanceof EngineFailedError) this.#give(slot);
      throw error;
    } finally {
      slot.users--;
      if (slot.users === 0) slot.onIdle?.();
    }
  }

  /** Looks at the alias now; when this ends, requests are answered by what it points to. */
  async refresh(model: string, alias: string): Promise<void> {
    const known = this.#aliases.get(`${model}@${alias}`);
    if (known === undefined) return;
    await known.inTurn(() => this.#look(model, alias, known));
  }

  /** Takes out of use what is deleted of the model: aliases, and versions asked for by their number. */
  async forgetMissing(model: string): Promise<void> {
    for (const key of [...this.#aliases.keys()].filter((each) => each.startsWith(`${model}@`))) {
      if (await isMissing(() => this.#registry.resolve(key))) this.#aliases.delete(key);
    }
    for (const slot of [...this.#slots.values()].filter(({ name }) => name.model === model)) {
      if (await isMissing(() => this.#registry.manifest(model, slot.name.version))) this.#give(slot);
    }
  }

  /** Takes up changes of the version's gallery now, if it is loaded. */
  async refreshGallery({ model, version }: VersionName, known?: readonly Change[]): Promise<void> {
    await this.#slots.get(`${model}@${version}`)?.warm?.follow(known);
  }

  /** Gives all memory back, each version's when its last request has ended. */
  async close(): Promise<void> {
    this.#aliases.clear();
    await Promise.all([...this.#slots.values()].map((slot) => this.#leave(slot)));
  }

  async #followed(model: string, alias: string): Promise<number> {
    const key = `${model}@${alias}`;
    const known = this.#aliases.get(key);
    if (known === undefined) {
      const { version } = await this.#registry.resolve(key);
      // Whoever was first counts: it may have been followed further since.
      const first = this.#aliases.get(key) ?? {
        version,
        lookedAt: performance.now(),
        looking: null,
        inTurn: pLimit(1),
      };
      this.#aliases.set(key, first);
      return first.version;
    }
    const age = performance.now() - known.lookedAt;
    if (age >= this.#options.lookMs) known.looking ??= this.#lookQuietly(model, alias, known);
    // After a long silence even the first request should not be answered by what was live long ago.
    if (age >= this.#options.staleMs) await known.looking;
    return known.version;
  }

  async #lookQuietly(model: string, alias: string, known: Followed): Promise<void> {
    try {
      await known.inTurn(() => this.#look(model, alias, known));
    } catch (error) {
      this.#options.onTrouble(error);
    } finally {
      known.looking = null;
    }
  }

  async #look(model: string, alias: string, known: Followed): Promise<void> {
    try {
      const { version } = await this.#registry.resolve(`${model}@${alias}`);
      if (version !== known.version) {
        await this.ask({ model, version }, () => Promise.resolve());
        known.version = version;
      }
    } catch (error) {
      if (error instanceof NotFoundError) await this.forgetMissing(model);
      throw error;
    } finally {
      known.lookedAt = performance.now();
    }
  }

  #slot(name: VersionName): Slot {
    const key = `${name.model}@${name.version}`;
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const slot: Slot = {
      name,
      ready: this.#loads.run(() => this.#load(name)),
      warm: null,
      users: 0,
      lastUsed: ++this.#uses,
      lookedAt: performance.now(),
      looking: null,
      onIdle: null,
    };
    this.#slots.set(key, slot);
    void this.#whenLoaded(key, slot);
    return slot;
  }

  async #whenLoaded(key: string, slot: Slot): Promise<void> {
    try {
      slot.warm = await slot.ready;
      slot.lookedAt = performance.now();
    } catch {
      // Whoever asked for it is told; the next one tries again.
      this.#slots.delete(key);
    }
  }

  async #load(name: VersionName): Promise<WarmVersion> {
    // What does not exist must not cost another version its place.
    await this.#registry.manifest(name.model, name.version);
    while (this.#held >= this.#options.most) await this.#leave(this.#leastUsed());
    this.#held++;
    try {
      return await WarmVersion.open(this.#registry, name, {
        atMost: this.#options.batch,
        onRun: (run) => this.#options.onRun(name, run),
        onTrouble: this.#options.onTrouble,
        open: this.#options.open,
      });
    } catch (error) {
      this.#held--;
      throw error;
    }
  }

  /** Idle ones first, and of those what was not asked for longest. */
  #leastUsed(): Slot {
    const loaded = [...this.#slots.values()].filter(({ warm }) => warm !== null);
    const [first] = loaded.toSorted(
      (a, b) => Number(a.users > 0) - Number(b.users > 0) || a.lastUsed - b.lastUsed,
    );
    if (first === undefined) throw new Error('versions are held that nobody can leave');
    return first;
  }

  /** Takes the version out of use and gives its memory back once its last request has ended. */
  async #leave(slot: Slot): Promise<void> {
    this.#slots.delete(`${slot.name.model}@${slot.name.version}`);
    const warm = await slot.ready.catch(() => null);
    if (warm === null) return;
    if (slot.users > 0) await new Promise<void>((resolve) => (slot.onIdle = resolve));
    warm.dispose();
    this.#held--;
  }

  /** Takes it out of use, unless somebody did so before. */
  #give(slot: Slot): void {
    if (this.#slots.get(`${slot.name.model}@${slot.name.version}`) === slot) void this.#leave(slot);
  }

  async #lookAtGallery(slot: Slot, warm: WarmVersion): Promise<void> {
    const age = performance.now() - slot.lookedAt;
    if (age >= this.#options.lookMs) slot.looking ??= this.#followQuietly(slot, warm);
    // As with aliases: not even the first request after a long silence sees what was known long ago.
    if (age >= this.#options.staleMs) await slot.looking;
  }

  async #followQuietly(slot: Slot, warm: WarmVersion): Promise<void> {
    try {
      await warm.follow();
    } catch (error) {
      this.#options.onTrouble(error);
    } finally {
      slot.looking = null;
      slot.lookedAt = performance.now();
    }
  }
}

async function isMissing(look: () => Promise<unknown>): Promise<boolean> {
  try {
    await look();
    return false;
  } catch (error) {
    if (error instanceof NotFoundError) return true;
    throw error;
  }
}
