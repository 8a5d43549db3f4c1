/**
 * Everything that a training needs to go on as if it had never stopped: trained weights, the optimizer's moments,
 * random state, position, curve and the best weights so far.
 *
 * The arrays go to a file of their own first; the small state that names them is replaced last and atomically. Whoever
 * is killed in between leaves the state before, whole.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CorruptDataError } from '../errors.ts';
import type { ParameterStore } from '../network/parameters.ts';
import { SafetensorsFile, writeSafetensors } from '../network/safetensors.ts';
import type { ArraySource } from '../network/safetensors.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Adam } from './adam.ts';
import { WATCHFUL, guardSchema } from './collapse.ts';

const epochSchema = z.strictObject({
  epoch: z.int(),
  loss: z.number(),
  active: z.number(),
  validationLoss: z.number().nullable(),
  validationAccuracy: z.number().nullable(),
  seconds: z.number(),
});
/** What one epoch gave; the curves of training.json. */
export type EpochRecord = z.infer<typeof epochSchema>;

const bestSchema = z.strictObject({
  identity: z.string(),
  epoch: z.int(),
  score: z.number(),
  arrays: z.string(),
});
/** The epoch that scored best so far, and the file of its weights. */
export type Best = z.infer<typeof bestSchema>;

/** What a generator's state can be; all zeros is none that it ever leaves. */
const randomSchema = z
  .array(z.int().min(0).max(0xffffffff))
  .length(4)
  .refine((state) => state.some((word) => word !== 0));

const stateSchema = z.strictObject({
  /** Says what is being trained on what; a checkpoint of something else is not taken up. */
  identity: z.string(),
  arrays: z.string(),
  optimizerSteps: z.int(),
  /** Epochs finished, batches of the next one done, and their sums so far. */
  epoch: z.int(),
  batch: z.int(),
  lossSum: z.number(),
  activeSum: z.number(),
  weightSum: z.number(),
  /** The generator's state before the current epoch's batches were drawn, and now. */
  randomAtEpoch: randomSchema,
  random: randomSchema,
  curve: z.array(epochSchema),
  /** What the guard against collapse remembers, and how an attempt before this one collapsed; see collapse.ts. */
  guard: guardSchema.default(WATCHFUL),
  collapse: z.string().nullable().default(null),
});
export type CheckpointState = z.infer<typeof stateSchema>;

/** Where a training's checkpoints are: keys below `prefix` of a store; files pass through `scratch`. */
export interface CheckpointPlace {
  readonly store: ObjectStore;
  readonly prefix: string;
  /** A local folder for files on their way. */
  readonly scratch: string;
}

const STATE = 'state.json';
const BEST = 'best.json';

/** One training's checkpoints: its last state and its best epoch. */
export class Checkpoints {
  readonly #place: CheckpointPlace;
  readonly #identity: string;
  #serial = 0;

  constructor(place: CheckpointPlace, identity: string) {
    this.#place = place;
    this.#identity = identity;
  }

  /** The last state, or null when there is none or it is of another training. */
  async load(): Promise<CheckpointState | null> {
    return this.#loadDocument(STATE, stateSchema);
  }

  /** The best epoch so far, or null. It may be later than the last state: going on from there finds it again. */
  async loadBest(): Promise<Best | null> {
    return this.#loadDocument(BEST, bestSchema);
  }

  /** Whether what is kept here is another training's state: of other pictures, options or another seed. */
  async isOfAnother(): Promise<boolean> {
    const state = await this.#readDocument(STATE, stateSchema);
    return state !== null && state.identity !== this.#identity;
  }

  /** Puts weights and optimizer back to a loaded state. */
  async restore(state: CheckpointState, parameters: ParameterStore, optimizer: Adam): Promise<void> {
    await this.#withArrays(state.arrays, (file) => {
      parameters.restore(file);
      optimizer.restore(file, state.optimizerSteps);
    });
  }

  /** Puts the weights (not the optimizer) to those of the best epoch. */
  async restoreBest(best: Best, parameters: ParameterStore): Promise<void> {
    await this.#withArrays(best.arrays, (file) => parameters.restore(file));
  }

  /** Keeps the weights as the best so far. */
  async saveBest(epoch: number, score: number, parameters: ParameterStore): Promise<Best> {
    const best: Best = {
      identity: this.#identity,
      epoch,
      score,
      arrays: `best-${epoch}-${this.#unique()}.safetensors`,
    };
    await this.#putArrays(best.arrays, trained(parameters));
    await this.#putDocument(BEST, best);
    await this.#removeOld((name) => name.startsWith('best-') && name !== best.arrays);
    return best;
  }

  /** Replaces the state. */
  async save(
    state: Omit<CheckpointState, 'identity' | 'arrays' | 'optimizerSteps'>,
    parameters: ParameterStore,
    optimizer: Adam,
  ): Promise<void> {
    const arrays = `step-${optimizer.steps}-${this.#unique()}.safetensors`;
    await this.#putArrays(arrays, [...trained(parameters), ...optimizer.sources()]);
    const whole: CheckpointState = {
      ...state,
      identity: this.#identity,
      arrays,
      optimizerSteps: optimizer.steps,
    };
    await this.#putDocument(STATE, whole);
    await this.#removeOld((name) => name.startsWith('step-') && name !== arrays);
  }

  /** Removes everything, once the result is published: first what names files, so that none is missing half-way. */
  async clear(): Promise<void> {
    for (const name of [STATE, BEST]) await this.#place.store.delete(this.#key(name));
    await this.#removeOld(() => true);
  }

  async #loadDocument<T extends { identity: string }>(name: string, schema: z.ZodType<T>): Promise<T | null> {
    const document = await this.#readDocument(name, schema);
    return document?.identity === this.#identity ? document : null;
  }

  async #readDocument<T>(name: string, schema: z.ZodType<T>): Promise<T | null> {
    const found = await this.#place.store.get(this.#key(name));
    if (found === null) return null;
    try {
      return schema.parse(JSON.parse(Buffer.from(found.bytes).toString('utf8')));
    } catch (cause) {
      throw new CorruptDataError(
        `The checkpoint ${this.#key(name)} in ${this.#place.store.uri} cannot be read. Delete it to start over.`,
        { cause },
      );
    }
  }

  async #putDocument(name: string, document: unknown): Promise<void> {
    await this.#place.store.put(this.#key(name), Buffer.from(JSON.stringify(document)));
  }

  #key(name: string): string {
    return `${this.#place.prefix}${name}`;
  }

  #unique(): string {
    return `${process.pid}-${Date.now()}-${this.#serial++}`;
  }

  async #putArrays(name: string, sources: readonly ArraySource[]): Promise<void> {
    await this.#inScratch(async (path) => {
      await writeSafetensors(path, sources);
      await this.#place.store.put(this.#key(name), { file: path });
    });
  }

  async #withArrays(name: string, use: (file: SafetensorsFile) => void): Promise<void> {
    const content = await this.#place.store.read(this.#key(name));
    if (content === null) {
      throw new CorruptDataError(
        `The checkpoint names ${this.#key(name)}, which is not in ${this.#place.store.uri}. Delete ${this.#key('state.json')} to start over.`,
      );
    }
    await this.#inScratch(async (path) => {
      await writeFile(path, content);
      const file = new SafetensorsFile(path);
      try {
        use(file);
      } finally {
        file.close();
      }
    });
  }

  async #inScratch(work: (path: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(this.#place.scratch, 'kindred-checkpoint-'));
    try {
      await work(join(folder, 'arrays.safetensors'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #removeOld(isOld: (name: string) => boolean): Promise<void> {
    const old: string[] = [];
    for await (const { key } of this.#place.store.list(this.#place.prefix)) {
      if (isOld(key.slice(this.#place.prefix.length))) old.push(key);
    }
    for (const key of old) await this.#place.store.delete(key);
  }
}

const trained = (parameters: ParameterStore): ArraySource[] => parameters.sources((spec) => spec.trainable);
