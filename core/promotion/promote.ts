/**
 * Letting a version answer: what was added to the version before is carried over to it, it is compared with the version before, and only
 * then the alias moves.
 */
import { ConflictError, CorruptDataError, KindredError } from '../errors.ts';
import { NOTHING_CARRIED, addCarried, carryOver } from '../registry/carry-over.ts';
import type { CarriedOver, CarryOptions } from '../registry/carry-over.ts';
import type { Picture } from '../images/dataset.ts';
import type { Author } from '../registry/names.ts';
import type { Alias } from '../registry/aliases.ts';
import type { Registry } from '../registry/registry.ts';
import { listed } from './carried-notes.ts';
import { compareVersions } from './compare.ts';
import type { Talk } from './compare.ts';
import { blocked, judgeGate, notCompared } from './gate.ts';
import type { Gate } from './gate.ts';
import { OpenVersions } from './open-versions.ts';

export interface PromotionRequest extends Author {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  /** Move only if the alias is at this version now; null: only if there is no such alias. */
  readonly expected?: number | null | undefined;
  /** Null: go live whatever the version before was like. */
  readonly gate: {
    /** What the version and the one before it are asked; null where no pictures can be found. */
    readonly pictures: (before: number) => Promise<readonly Picture[] | null>;
    readonly tolerance: number;
    /** Go live also when worse. */
    readonly force: boolean;
  } | null;
  /**
   * What was changed in the gallery of the version before: `carry`, refusing when a picture is missing; `drop`: without the pictures that
   * are missing; `leave`: with nothing of it.
   */
  readonly additions: 'carry' | 'drop' | 'leave';
}

export interface Promotion {
  readonly promoted: boolean;
  readonly model: string;
  readonly alias: string;
  /** Where the alias is now. */
  readonly version: number | null;
  /** Where it was before. */
  readonly from: number | null;
  /** Null where there was no other version to hold the new one against. */
  readonly gate: Gate | null;
  readonly carried: CarriedOver;
}

/** Moves of the alias that leave it where it is, such as a deletion makes, that are waited out. */
const ATTEMPTS = 20;
const LONGEST_REASON = 1000;

/**
 * Promotes a version. Changes that are made to the version before meanwhile are carried over as well: until there is none before the alias
 * moves, and once more after it. Done again, it finishes what was interrupted.
 * @throws ConflictError when somebody else moves the alias meanwhile, or it is not where it is expected; NotFoundError; CancelledError
 */
export async function promote(registry: Registry, request: PromotionRequest, talk: Talk): Promise<Promotion> {
  const { model, alias, version, expected } = request;
  const before = await registry.alias(model, alias);
  const from = before?.version ?? null;
  if (expected !== undefined && expected !== from) throw notExpected(request, from, expected);
  const opened = new OpenVersions(registry, model);
  try {
    if (before !== null && from === version) return await finish(registry, request, before, opened, talk);
    const carry = carrier(registry, request, opened, talk);
    const result = {
      promoted: false,
      model,
      alias,
      version: from,
      from,
      gate: null,
      carried: NOTHING_CARRIED,
    };
    if (before === null || from === null) {
      await registry.move(model, alias, version, { by: request.by, why: request.why, expected: null });
      return { ...result, promoted: true, version };
    }
    const carried = await carry(from);
    if ('gate' in carried) return { ...result, ...carried };
    const gate = request.gate && (await compare(registry, request, from, opened, talk));
    if (gate?.outcome === 'worse' && !gate.forced) return { ...result, gate, carried };
    const more = await move(registry, request, before, gate, carry);
    if ('gate' in more) return { ...result, ...more };
    return { ...result, promoted: true, version, gate, carried: addCarried(carried, more) };
  } finally {
    opened.dispose();
  }
}

type Carry = (from: number) => Promise<CarriedOver | Pick<Promotion, 'gate' | 'carried'>>;

/** Carries over from a version, or says why that holds up the promotion. */
function carrier(
  registry: Registry,
  { model, version, additions }: PromotionRequest,
  opened: OpenVersions,
  talk: Talk,
): Carry {
  return async (from) => {
    if (additions === 'leave') return NOTHING_CARRIED;
    const missing = additions === 'drop' ? 'drop' : 'refuse';
    try {
      const carried = await carryOver(
        registry,
        model,
        { from, to: version },
        carryOptions(opened, version, missing, talk),
      );
      if (missing === 'drop' || carried.missing.length === 0) return carried;
      return { gate: blocked(from, whyMissing(carried, from)), carried };
    } catch (error) {
      if (!(error instanceof CorruptDataError)) throw error;
      return {
        gate: blocked(from, `the changes of version ${from} cannot be read: ${error.message}`),
        carried: NOTHING_CARRIED,
      };
    }
  };
}

/** How changes are carried over to a version with its own network, which is loaded when a picture needs it. */
export function carryOptions(
  opened: OpenVersions,
  version: number,
  missing: CarryOptions['missing'],
  { signal, report }: Talk,
): CarryOptions {
  return {
    missing,
    signal,
    embed: async (pictures, embedding) => {
      const { embedPictures } = await import('../embedding/embed-pictures.ts');
      return embedPictures(await opened.embedder(version), pictures, embedding);
    },
    onProgress: (done, total) => report({ phase: 'embedding', part: 'carried over', done, total }),
  };
}

async function compare(
  registry: Registry,
  { version, gate }: PromotionRequest,
  from: number,
  opened: OpenVersions,
  talk: Talk,
): Promise<Gate | null> {
  if (gate === null) return null;
  const { force, tolerance } = gate;
  const pictures = await gate.pictures(from);
  if (pictures === null) return notCompared(from, force, 'the pictures to compare on are not to be found');
  const first = await opened.version(version);
  try {
    const second = await opened.version(from);
    return judgeGate(await compareVersions(registry, { first, second }, pictures, talk), tolerance, force);
  } catch (error) {
    // A version that cannot answer is no reason to keep it.
    if (!(error instanceof KindredError) || error.code === 'cancelled') throw error;
    return notCompared(from, force, error.message);
  }
}

/** Moves the alias once nothing is left to carry over, and looks once more when it has moved. */
async function move(
  registry: Registry,
  request: PromotionRequest,
  seen: Alias,
  gate: Gate | null,
  carry: Carry,
): Promise<CarriedOver | Pick<Promotion, 'gate' | 'carried'>> {
  const { model, alias, version, by } = request;
  const why = [request.why, gate?.reason ?? ''].filter(Boolean).join('; ').slice(0, LONGEST_REASON);
  let current = seen;
  for (let attempt = 1; ; attempt++) {
    const carried = await carry(current.version);
    if ('gate' in carried) return carried;
    const moved = { by, why, expected: { revision: current.revision } };
    const failure = await registry.move(model, alias, version, moved).then(() => null, asConflict);
    if (failure === null) {
      // Who adds looks at the alias afterwards: either they see it moved, or their addition is here by now.
      const last = await carry(seen.version);
      return addCarried(carried, 'gate' in last ? last.carried : last);
    }
    const now = await registry.alias(model, alias);
    if (now?.version !== seen.version || attempt >= ATTEMPTS) throw failure;
    current = now;
  }
}

function asConflict(error: unknown): ConflictError {
  if (error instanceof ConflictError) return error;
  throw error;
}

/** The alias is there already; perhaps whoever moved it was killed before the last look. */
async function finish(
  registry: Registry,
  request: PromotionRequest,
  { version, history }: Alias,
  opened: OpenVersions,
  talk: Talk,
): Promise<Promotion> {
  const { model, alias } = request;
  const from = history.findLast((each) => each.version === version)?.from ?? null;
  const isThere = from !== null && (await registry.versions(model)).includes(from);
  const carried = isThere ? await carrier(registry, request, opened, talk)(from) : NOTHING_CARRIED;
  const done = 'gate' in carried ? carried.carried : carried;
  return { promoted: true, model, alias, version, from: version, gate: null, carried: done };
}

function notExpected(
  { model, alias }: PromotionRequest,
  from: number | null,
  expected: number | null,
): ConflictError {
  return new ConflictError(
    `The alias "${alias}" of "${model}" is at ${from ?? 'no version'}, expected was ${expected ?? 'none'}; it was not moved. ` +
      `Look at its history and decide anew.`,
  );
}

function whyMissing({ missing }: CarriedOver, from: number): string {
  const what = missing.length === 1 ? '1 picture that was' : `${missing.length} pictures that were`;
  return `${what} added to version ${from} cannot be carried over: ${listed(missing)}`;
}
