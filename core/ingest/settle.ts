import type { EmbeddedPictures } from '../embedding/embed-pictures.ts';
import { ConflictError, UnreadableImageError } from '../errors.ts';
import { writeSegment } from '../gallery/arrow-segment.ts';
import type { GalleryLog } from '../gallery/carry-over.ts';
import type { Gallery } from '../gallery/gallery.ts';
import { Mirror } from '../gallery/mirror.ts';
import type { MirrorPlan } from '../gallery/mirror.ts';
import { createSegment, idAfter } from '../gallery/segments.ts';
import type { SegmentEntry } from '../gallery/segments.ts';
import type { Picture } from '../images/dataset.ts';
import { checkByteCount } from '../images/probe.ts';
import { resolveLimits } from '../images/limits.ts';
import { digest, storedPicture } from '../images/picture.ts';
import { wasDeletedSince } from '../registry/dataset-deletion.ts';
import type { KeptPicture } from '../registry/pictures.ts';
import type { Registry } from '../registry/registry.ts';
import { dataSetOf } from './followers.ts';
import type { VersionName } from './followers.ts';

/** A gallery and the data set that it follows. */
interface Way {
  readonly registry: Registry;
  readonly version: VersionName;
  readonly dataSet: string;
  readonly embed: (version: VersionName, pictures: readonly Picture[]) => Promise<EmbeddedPictures>;
  readonly log: (version: VersionName) => Promise<GalleryLog>;
}

/** What became of a path. */
export interface Outcome {
  removed: boolean;
  added: boolean;
  rejected: string | null;
}
export type Outcomes = Map<string, Outcome>;

/** What was done so far: noted while it is done, so that it is known when something fails on the way. */
interface Done {
  readonly outcomes: Outcomes;
  /** Ids of the segments. */
  readonly written: string[];
  /** Pictures that were added, by checksum. */
  readonly atHand: Map<string, Picture>;
}

/** So often may a picture change while it is looked at, or somebody else write what is older. */
const ATTEMPTS = 20;

/**
 * Has the gallery take up what the data set has at these paths. When a change is written, the store and the gallery are looked at again,
 * until both agree: of several who do this at once, whoever writes last sees what all have written, so that none leaves an older state.
 * @throws ConflictError when that never ends
 */
export async function settle(way: Way, paths: readonly string[], done: Done): Promise<void> {
  for (const path of paths) {
    if (!done.outcomes.has(path)) done.outcomes.set(path, { removed: false, added: false, rejected: null });
  }
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const now = await lookAt(way, paths, done);
    const log = await way.log(way.version);
    const plan = (await mirrorOf(way, log)).plan(now);
    if (plan === null) return;
    await carryOut(way, log, plan, done);
  }
  throw new ConflictError(
    `What the data set ${JSON.stringify(way.dataSet)} has at ${paths.length} places changed ${ATTEMPTS} times while the gallery of ` +
      `${way.version.model}@${way.version.version} took it up. Try again.`,
  );
}

/** What the data set has there: checksums, or null where there is nothing that could be used. */
async function lookAt(
  { registry, version, dataSet }: Way,
  paths: readonly string[],
  { outcomes }: Done,
): Promise<Map<string, string | null>> {
  const now = new Map<string, string | null>();
  const limits = resolveLimits();
  for (const path of paths) {
    const outcome = outcomes.get(path);
    const key = `${registry.dataSetPrefix(dataSet)}${path}`;
    const head = await registry.store.head(key);
    try {
      // Whoever puts what is too large into a bucket should not fill this process' memory.
      if (head !== null) checkByteCount(head.size, limits);
      const found = head && (await registry.store.get(key));
      if (found) now.set(path, digest(found.bytes));
      // Whoever deletes a whole dataset does not mean the galleries of versions that learnt from it.
      else if (!(await wasDeletedSince(registry.store, dataSet, version))) now.set(path, null);
    } catch (error) {
      if (!(error instanceof UnreadableImageError)) throw error;
      if (outcome !== undefined) outcome.rejected = error.message;
      now.set(path, null);
    }
  }
  return now;
}

/** One gallery is asked again and again; what is new in its log is all that has to be taken up then. */
const mirrors = new WeakMap<Gallery, Map<string, Mirror>>();

async function mirrorOf({ registry, version, dataSet }: Way, log: GalleryLog): Promise<Mirror> {
  const known = mirrors.get(log.made) ?? new Map<string, Mirror>();
  mirrors.set(log.made, known);
  const mirror = known.get(dataSet);
  if (mirror?.follow(log)) return mirror;
  const made = new Mirror(log, dataSet, await dataSetOf(registry, version));
  known.set(dataSet, made);
  return made;
}

async function carryOut(
  way: Way,
  { made, segments }: GalleryLog,
  plan: MirrorPlan,
  done: Done,
): Promise<void> {
  const { registry, version, embed } = way;
  const pictures = plan.additions.map(({ path, picture }) => {
    const { key, class: className, sha256 } = picture;
    return storedPicture(registry.store, keyIn(way, path), key, className, sha256);
  });
  const embedded = pictures.length === 0 ? null : await embed(version, pictures);
  const rows = new Map((embedded?.pictures ?? []).map(({ key }, row) => [key, row]));
  const added = plan.additions.filter(({ picture }) => rows.has(picture.key));
  const entries: SegmentEntry[] = [...plan.removals];
  for (const { picture } of added) {
    const at = (rows.get(picture.key) ?? 0) * made.dimensions;
    const embedding = embedded?.embeddings.slice(at, at + made.dimensions) ?? new Float32Array(0);
    entries.push({ ...picture, embedding });
  }
  entries.push(...plan.seen);
  const segment = createSegment(made, entries, idAfter(segments));
  const kept: KeptPicture[] = added.map(({ path, picture }) => keptIn(way, keyIn(way, path), picture.sha256));
  for (const [sha256, key] of plan.stay) kept.push(keptIn(way, key, sha256));
  await registry.keepPictures(version.model, kept, async () =>
    registry.addSegment(version.model, version.version, segment.id, await writeSegment(segment)),
  );
  done.written.push(segment.id);
  note(plan, { pictures, embedded, added }, done);
}

const keyIn = ({ registry, dataSet }: Way, path: string): string =>
  `${registry.dataSetPrefix(dataSet)}${path}`;

/** Only where it is has to be kept of it. */
function keptIn({ registry }: Way, key: string, sha256: string): KeptPicture {
  return { ...storedPicture(registry.store, key, key, '', sha256), source: key };
}

interface CarriedOut {
  readonly pictures: readonly Picture[];
  readonly embedded: EmbeddedPictures | null;
  readonly added: MirrorPlan['additions'];
}

function note(plan: MirrorPlan, { pictures, embedded, added }: CarriedOut, { outcomes, atHand }: Done): void {
  for (const path of plan.left) {
    const outcome = outcomes.get(path);
    if (outcome !== undefined) outcome.removed = true;
  }
  for (const { path } of added) {
    const outcome = outcomes.get(path);
    if (outcome !== undefined) outcome.added = true;
  }
  for (const { picture, reason } of embedded?.rejected ?? []) {
    const path = plan.additions.find((one) => one.picture.key === picture.key)?.path ?? '';
    const outcome = outcomes.get(path);
    if (outcome !== undefined) outcome.rejected = reason;
  }
  for (const picture of pictures) atHand.set(picture.sha256, picture);
}
