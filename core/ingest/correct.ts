/** Pictures that somebody says the class of: they go into the gallery under it, and out of other classes. */
import { writeSegment } from '../gallery/arrow-segment.ts';
import { Pictures } from '../gallery/changes.ts';
import { checkName, keyOfPicture } from '../gallery/names.ts';
import { createSegment, idAfter } from '../gallery/segments.ts';
import type { Addition } from '../gallery/segments.ts';
import { digest } from '../images/picture.ts';
import { carryOver } from '../registry/carry-over.ts';
import { readGalleryLog } from '../registry/gallery-log.ts';
import type { KeptPicture } from '../registry/pictures.ts';
import type { Registry, Resolved } from '../registry/registry.ts';
import type { IngestOptions } from './ingest.ts';

export interface CorrectedPicture {
  readonly bytes: Uint8Array;
  /** The name it gets in the class, if it is free there. */
  readonly file: string;
  /** Its key, where a data set of the registry has it. */
  readonly source?: string | undefined;
}

/** What became of a picture. */
export interface Corrected {
  readonly sha256: string;
  /** `<class>/<file>` in the gallery; null when it cannot be used. */
  readonly key: string | null;
  readonly outcome: 'added' | 'moved' | 'unchanged' | 'rejected';
  /** Why it was rejected, else null. */
  readonly reason: string | null;
}

export interface Correction {
  /** The version that has it: where the alias had moved on meanwhile, that one. */
  readonly version: number;
  /** As the gallery spells it. */
  readonly class: string;
  /** One for each picture, in order. */
  readonly pictures: readonly Corrected[];
}

interface Placed {
  readonly picture: CorrectedPicture;
  readonly sha256: string;
  /** Where it is under this class, or is to be. */
  readonly key: string;
  readonly isNew: boolean;
  /** Under other classes. */
  readonly elsewhere: readonly string[];
  /** Somebody has said before that it is of one class; else a data set could still put it under another one. */
  readonly isSaid: boolean;
}

/**
 * Puts the pictures under the class, which may be new, and takes them out of others. What was decided here stays, also when a data set has them
 * otherwise, and goes over to the versions to come. It is one change of the gallery, which puts a picture under the class and out of all others,
 * so that of two who say different things at once the later one is right for everybody; and no class counts as renamed by it.
 * @throws InvalidInputError when the class cannot be one; NotFoundError; what `embed` throws. Done again, it goes on from there
 */
export async function correct(
  registry: Registry,
  { model, version, alias }: Resolved,
  given: string,
  pictures: readonly CorrectedPicture[],
  options: Pick<IngestOptions, 'embed' | 'log'>,
): Promise<Correction> {
  checkName(given, 'class');
  const { embed, log = async (name) => readGalleryLog(registry, name) } = options;
  const name = { model, version };
  const before = await log(name);
  const gallery = Pictures.of(before.made, before.segments);
  const className = gallery.spelled(given);
  const placed = placedIn(gallery, className, pictures);
  const fresh = new Map(placed.filter(isToPlace).map((one) => [one.sha256, one]));
  const asked = [...fresh.values()].map(({ picture: { bytes }, key, sha256 }) => {
    return { key, className, sha256, read: () => Promise.resolve(bytes) };
  });
  const embedded = asked.length === 0 ? null : await embed(name, asked);
  const additions = (embedded?.pictures ?? []).map(({ key, sha256 }, row): Addition => {
    const { dimensions } = before.made;
    const embedding = embedded?.embeddings.slice(row * dimensions, (row + 1) * dimensions);
    return {
      op: 'add',
      alone: true,
      key,
      class: className,
      sha256,
      embedding: embedding ?? new Float32Array(0),
    };
  });
  const rejected = new Map((embedded?.rejected ?? []).map(({ picture, reason }) => [picture.sha256, reason]));
  const written: string[] = [];
  if (additions.length > 0) {
    const kept = additions.flatMap(({ sha256 }) => fresh.get(sha256) ?? []).map(keptOf);
    const segment = createSegment(before.made, additions, idAfter(before.segments));
    await registry.keepPictures(model, kept, async () =>
      registry.addSegment(model, version, segment.id, await writeSegment(segment)),
    );
    written.push(segment.id);
  }
  const atHand = new Map(asked.map((picture) => [picture.sha256, picture]));
  const last = await follow(registry, { model, version, alias }, { written, atHand, embed });
  return { version: last, class: className, pictures: placed.map((one) => told(one, rejected)) };
}

/** Whether it is not under this class alone yet, for good. */
const isToPlace = ({ isNew, elsewhere, isSaid }: Placed): boolean => isNew || elsewhere.length > 0 || !isSaid;

function told({ sha256, key, isNew, elsewhere }: Placed, rejected: ReadonlyMap<string, string>): Corrected {
  const reason = rejected.get(sha256) ?? null;
  if (reason !== null) return { sha256, key: null, outcome: 'rejected', reason };
  const outcome = elsewhere.length > 0 ? 'moved' : isNew ? 'added' : 'unchanged';
  return { sha256, key, outcome, reason };
}

function placedIn(gallery: Pictures, className: string, pictures: readonly CorrectedPicture[]): Placed[] {
  const taken = new Map<string, string>();
  return pictures.map((picture) => {
    const sha256 = digest(picture.bytes);
    const rows = gallery.ofSum(sha256);
    const isSaid = gallery.said.has(sha256);
    const there = rows.find((row) => row.class === className);
    const elsewhere = rows.filter((row) => row.class !== className).map(({ key }) => key);
    if (there !== undefined) return { picture, sha256, key: there.key, isNew: false, elsewhere, isSaid };
    const key = keyOfPicture(`${className}/${picture.file}`, sha256, (one) => {
      return taken.get(one) ?? gallery.get(one)?.sha256;
    });
    taken.set(key, sha256);
    return { picture, sha256, key, isNew: true, elsewhere, isSaid };
  });
}

function keptOf({ picture: { bytes, source }, sha256 }: Placed): KeptPicture {
  return { sha256, source, read: () => Promise.resolve(bytes) };
}

interface Written {
  readonly written: readonly string[];
  readonly atHand: NonNullable<Parameters<typeof carryOver>[3]['atHand']>;
  readonly embed: IngestOptions['embed'];
}

/** While the alias has moved on, the changes are carried over to where it points. */
async function follow(
  registry: Registry,
  { model, version, alias }: Resolved,
  { written, atHand, embed }: Written,
): Promise<number> {
  if (alias === null || written.length === 0) return version;
  for (let has = version; ;) {
    const now = (await registry.alias(model, alias))?.version ?? has;
    if (now === has) return has;
    const to = { model, version: now };
    await carryOver(
      registry,
      model,
      { from: has, to: now },
      {
        missing: 'drop',
        only: new Set(written),
        atHand,
        embed: (pictures) => embed(to, pictures),
      },
    );
    has = now;
  }
}
