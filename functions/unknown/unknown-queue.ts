/** Pictures that were not known, kept beside the requests to be labelled, if whoever runs the server wants that. */
import type { Decision } from '../../core/gallery/decision.ts';
import { addUnknown, unknownSize } from '../../core/registry/unknown.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import { checkFormat } from '../http/image-format.ts';
import type { Memory } from '../http/memory.ts';
import type { VersionName } from '../versions/warm-version.ts';

export interface UnknownLimits {
  /** Pictures of one model that may wait. */
  readonly pictures: number;
  /** Their bytes together. */
  readonly bytes: number;
}

export interface UnknownQueueOptions {
  readonly store: ObjectStore;
  readonly limits: UnknownLimits;
  readonly memory: Memory;
  readonly onTrouble: (error: unknown) => void;
  /** A picture was kept, or was not for want of room. */
  readonly onQueued: (kept: boolean) => void;
}

/** Pictures that are on their way into the store; more are let go. */
const UNDER_WAY = 16;
/** After which it is looked up anew how much others have put there, or taken out. */
const SIZE_MS = 30_000;

interface Size {
  pictures: number;
  bytes: number;
  readonly at: number;
}

export class UnknownQueue {
  readonly #options: UnknownQueueOptions;
  readonly #sizes = new Map<string, Size>();
  #underWay = 0;
  #working: Promise<void> = Promise.resolve();

  constructor(options: UnknownQueueOptions) {
    this.#options = options;
  }

  /** Keeps the picture, in a moment; where there is no room, in memory or in the store, it is let go. */
  add(version: VersionName, bytes: Uint8Array, decision: Decision): void {
    const { memory, onQueued, onTrouble } = this.#options;
    if (this.#underWay >= UNDER_WAY) return onQueued(false);
    try {
      memory.take(bytes.length);
    } catch {
      return onQueued(false);
    }
    this.#underWay++;
    // A part of a form would keep all of the form in memory.
    const own = bytes.slice();
    this.#working = this.#working
      .then(async () => onQueued(await this.#store(version, own, decision)))
      .catch(onTrouble)
      .finally(() => {
        memory.give(bytes.length);
        this.#underWay--;
      });
  }

  /** Somebody took pictures of the model out. */
  changed(model: string): void {
    this.#sizes.delete(model);
  }

  /** Until what is under way is kept. */
  async close(): Promise<void> {
    await this.#working;
  }

  async #store({ model, version }: VersionName, bytes: Uint8Array, decision: Decision): Promise<boolean> {
    const { store, limits } = this.#options;
    const size = await this.#size(model);
    if (size.pictures >= limits.pictures || size.bytes + bytes.length > limits.bytes) return false;
    const { class: name, distance, threshold } = decision;
    const type = `image/${checkFormat(bytes).toLowerCase()}`;
    const notes = { at: new Date().toISOString(), version, class: name, distance, threshold, type };
    if (await addUnknown(store, model, bytes, notes)) {
      size.pictures++;
      size.bytes += bytes.length;
    }
    return true;
  }

  async #size(model: string): Promise<Size> {
    const known = this.#sizes.get(model);
    if (known !== undefined && performance.now() - known.at < SIZE_MS) return known;
    const size = { ...(await unknownSize(this.#options.store, model)), at: performance.now() };
    this.#sizes.set(model, size);
    return size;
  }
}
