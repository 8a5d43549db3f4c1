/**
 * Moves of aliases. A promotion embeds images and compares versions, which may take longer than a request should: the move then continues in
 * the background, and its state can be requested. It is kept in memory alone: a move that ends with its process has left the alias where it
 * was, or moved it; requested again, it embeds only what is left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { ConflictError, NotFoundError } from '../../core/errors.ts';
import type { Talk } from '../../core/promotion/compare.ts';
import { completedNotes } from '../../core/promotion/complete.ts';
import { TOLERANCE } from '../../core/promotion/gate.ts';
import { promote } from '../../core/promotion/promote.ts';
import { testPictures } from '../../core/jobs/test-pictures.ts';
import type { Author } from '../../core/registry/names.ts';
import { DEFAULT_ALIAS, isName } from '../../core/registry/names.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { Line } from '../http/line.ts';

export interface MoveRequest extends Author {
  readonly model: string;
  readonly alias: string;
  /** Null: back to the one before. */
  readonly version: number | null;
  /** Move only if the alias is at this version now; null: if there is no such alias. */
  readonly expected: number | null;
  /** Also when the version is worse, or cannot embed images of the gallery. */
  readonly force: boolean;
}

export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** How it ended. `refused`: the version is worse, or cannot embed images of the gallery; nothing was moved. */
export type Ending =
  | { readonly state: 'moved'; readonly notes: readonly string[] }
  | { readonly state: 'refused'; readonly reason: string }
  | { readonly state: 'failed'; readonly error: unknown };

export interface Move {
  readonly id: string;
  readonly request: MoveRequest;
  progress: Progress | null;
  /** Null while it is under way. */
  ending: Ending | null;
  readonly ended: Promise<Ending>;
}

export interface MovesOptions {
  readonly registry: Registry;
  /** Milliseconds that a request waits for its move. */
  readonly waitMs: number;
  /** Whether a move goes on after that, or is stopped: where the process stands still between requests, asking again takes it further. */
  readonly background: boolean;
  /** Has whoever asks an alias answered by where it is now. */
  readonly onMoved: (model: string, alias: string) => Promise<void>;
}

/** Each loads two versions of its own. */
const AT_ONCE = 1;
const WAITING = 8;
const REMEMBERED = 100;

export class Moves {
  readonly #options: MovesOptions;
  readonly #line = new Line('Aliases are being moved', { atOnce: AT_ONCE, waiting: WAITING });
  readonly #moves = new Map<string, Move>();
  readonly #ending = new AbortController();

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  /** Moves an alias, or begins to: the ending is null when it takes longer than a request waits. */
  async within(request: MoveRequest): Promise<{ move: Move; ending: Ending | null }> {
    const { waitMs, background } = this.#options;
    if (!background) {
      const move = this.#start(request, AbortSignal.timeout(waitMs));
      return { move, ending: await move.ended };
    }
    const move = this.#start(request, null);
    const given = new AbortController();
    const waited = sleep(waitMs, null, { signal: given.signal }).catch(() => null);
    const ending = await Promise.race([move.ended, waited]);
    given.abort();
    return { move, ending };
  }

  /** Begins to move an alias. @param signal stops it: what was done is kept for the next time */
  #start(request: MoveRequest, signal: AbortSignal | null): Move {
    const stop = signal === null ? this.#ending.signal : AbortSignal.any([signal, this.#ending.signal]);
    const talk: Talk = {
      signal: stop,
      report: (told) => {
        if ('done' in told && 'part' in told)
          move.progress = { phase: told.part, done: told.done, total: told.total };
      },
    };
    const ended = this.#line
      .run(() => this.#carryOut(request, talk), stop)
      .catch((error: unknown): Ending => ({ state: 'failed', error }))
      .then((ending) => {
        move.ending = ending;
        return ending;
      });
    const move: Move = { id: ulid(), request, progress: null, ending: null, ended };
    this.#remember(move);
    return move;
  }

  /** @throws NotFoundError */
  find(id: string, { model, alias }: Pick<MoveRequest, 'model' | 'alias'>): Move {
    const move = this.#moves.get(id);
    if (move !== undefined && move.request.model === model && move.request.alias === alias) return move;
    throw new NotFoundError(
      'This server knows of no such move; it may have been started anew since. Look at the alias itself.',
    );
  }

  /** Stops what is under way at its next step. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all([...this.#moves.values()].map(({ ended }) => ended));
  }

  #remember(move: Move): void {
    this.#moves.set(move.id, move);
    for (const [id, { ending }] of this.#moves) {
      if (this.#moves.size <= REMEMBERED) break;
      if (ending !== null) this.#moves.delete(id);
    }
  }

  async #carryOut(request: MoveRequest, talk: Talk): Promise<Ending> {
    const ending = request.version === null ? await this.#back(request) : await this.#on(request, talk);
    if (ending.state === 'moved') await this.#options.onMoved(request.model, request.alias);
    return ending;
  }

  async #back({ model, alias, by, why, expected }: MoveRequest): Promise<Ending> {
    if (expected === null)
      throw new ConflictError(`There is no alias ${JSON.stringify(alias)} to roll back.`);
    await this.#options.registry.rollback(model, alias, { by, why, expected });
    return { state: 'moved', notes: [] };
  }

  async #on(request: MoveRequest, talk: Talk): Promise<Ending> {
    const { registry } = this.#options;
    const { model, version } = request;
    if (version === null) throw new Error('a version is missing');
    const gate = {
      pictures: async (before: number) =>
        testPictures(registry, { model, version: Math.max(version, before) }, async (name) => {
          // Folders of the machine that it was trained on are not this server's to read.
          if (!isName(name, 'data set')) throw new NotFoundError('It was judged on a folder.');
          return { store: registry.store, prefix: registry.dataSetPrefix(name) };
        }),
      tolerance: TOLERANCE,
    };
    const isGated = request.alias === DEFAULT_ALIAS;
    const done = await promote(registry, { ...request, version, gate: isGated ? gate : null }, talk);
    if (!done.promoted) return { state: 'refused', reason: done.gate?.reason ?? 'it was not promoted' };
    const compared = done.gate === null ? [] : [`Compared: ${done.gate.reason}`];
    return { state: 'moved', notes: [...completedNotes(done), ...compared] };
  }
}
