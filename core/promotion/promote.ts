/**
 * Promoting a version: what the gallery has and its network has not embedded is embedded, it is compared with the version before, and the
 * alias moves. The gallery belongs to the model, so a change that is made meanwhile is in the gallery of either version.
 */
import { ConflictError, KindredError } from '../errors.ts';
import type { Picture } from '../images/dataset.ts';
import type { Author } from '../registry/names.ts';
import type { Alias } from '../registry/aliases.ts';
import type { Registry } from '../registry/registry.ts';
import type { MissingImage } from '../registry/version-gallery.ts';
import { compareVersions } from './compare.ts';
import type { Talk } from './compare.ts';
import { completeGallery, heldBy, listed } from './complete.ts';
import type { Completed } from './complete.ts';
import { blocked, judgeGate, notCompared } from './gate.ts';
import type { Gate } from './gate.ts';
import { OpenVersions } from './open-versions.ts';

export interface PromotionRequest extends Author {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  /** Move only if the alias is at this version now; null: only if there is no such alias. */
  readonly expected?: number | null | undefined;
  /** Null: the versions are not compared. */
  readonly gate: {
    /** The images to compare on, given the version before; null where they are not to be found. */
    readonly pictures: (before: number) => Promise<readonly Picture[] | null>;
    readonly tolerance: number;
  } | null;
  /** Promote also a version that is worse, or cannot embed images that the version before answers with. */
  readonly force: boolean;
}

export interface Promotion extends Completed {
  readonly promoted: boolean;
  readonly model: string;
  readonly alias: string;
  /** Where the alias is now. */
  readonly version: number | null;
  /** Where it was before. */
  readonly from: number | null;
  /** Null where the versions were not compared. */
  readonly gate: Gate | null;
}

/** Moves of the alias that leave it where it is, such as a deletion makes, that are waited out. */
const ATTEMPTS = 20;
const LONGEST_REASON = 1000;

/**
 * Promotes a version. Interrupted, it has moved the alias or not; done again, it embeds only what is left.
 * @throws ConflictError when another process moves the alias meanwhile, or it is not where it is expected; NotFoundError; CancelledError
 */
export async function promote(registry: Registry, request: PromotionRequest, talk: Talk): Promise<Promotion> {
  const { model, alias, version, expected, force } = request;
  const before = await registry.alias(model, alias);
  const from = before?.version ?? null;
  if (expected !== undefined && expected !== from) throw notExpected(request, from, expected);
  const opened = new OpenVersions(registry, model);
  try {
    const completed = await completeGallery(registry, { model, version }, opened, talk);
    const refused = { ...completed, promoted: false, model, alias, version: from, from, gate: null };
    const promoted = { ...refused, promoted: true, version };
    if (from === version) return promoted;
    const lost = before === null ? [] : await lostSince(registry, before, completed.missing);
    if (before !== null && lost.length > 0 && !force) {
      return { ...refused, gate: blocked(before.version, whyBlocked(lost, version)) };
    }
    const gate = before === null ? null : await compare(registry, request, before.version, opened, talk);
    if (gate?.outcome === 'worse' && !force) return { ...refused, gate };
    const without = lost.length === 0 ? '' : `forced without ${listed(lost)}`;
    await move(
      registry,
      request,
      before,
      [request.why, gate?.reason ?? '', without].filter(Boolean).join('; '),
    );
    return { ...promoted, gate };
  } finally {
    opened.dispose();
  }
}

/** The missing images that the version in production answers with; all, where it cannot be read. */
async function lostSince(
  registry: Registry,
  before: Alias,
  missing: readonly MissingImage[],
): Promise<readonly MissingImage[]> {
  try {
    return await heldBy(registry, before, missing);
  } catch (error) {
    if (!(error instanceof KindredError)) throw error;
    return missing;
  }
}

async function compare(
  registry: Registry,
  { version, gate, force }: PromotionRequest,
  from: number,
  opened: OpenVersions,
  talk: Talk,
): Promise<Gate | null> {
  if (gate === null) return null;
  const pictures = await gate.pictures(from);
  if (pictures === null) return notCompared(from, force, 'the pictures to compare on are not to be found');
  const first = await opened.version(version);
  try {
    const second = await opened.version(from);
    return judgeGate(
      await compareVersions(registry, { first, second }, pictures, talk),
      gate.tolerance,
      force,
    );
  } catch (error) {
    // A version that cannot answer is no reason to keep it.
    if (!(error instanceof KindredError) || error.code === 'cancelled') throw error;
    return notCompared(from, force, error.message);
  }
}

/** Moves the alias, if it is still at the version that was seen there. */
async function move(
  registry: Registry,
  { model, alias, version, by }: PromotionRequest,
  seen: Alias | null,
  reason: string,
): Promise<void> {
  const why = reason.slice(0, LONGEST_REASON);
  let current = seen;
  for (let attempt = 1; ; attempt++) {
    const expected = current === null ? null : { revision: current.revision };
    const failure = await registry
      .move(model, alias, version, { by, why, expected })
      .then(() => null, asConflict);
    if (failure === null) return;
    current = await registry.alias(model, alias);
    if (current === null || current.version !== seen?.version || attempt >= ATTEMPTS) throw failure;
  }
}

function asConflict(error: unknown): ConflictError {
  if (error instanceof ConflictError) return error;
  throw error;
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

function whyBlocked(lost: readonly MissingImage[], version: number): string {
  return `version ${version} would answer without ${listed(lost)}`;
}
