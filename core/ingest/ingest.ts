/** Pictures of data sets that come and go, taken up by the galleries of the models that were trained on these data sets. */
import type { EmbeddedPictures } from '../embedding/embed-pictures.ts';
import type { GalleryLog } from '../gallery/carry-over.ts';
import type { Picture } from '../images/dataset.ts';
import { placeOf } from '../images/layout.ts';
import { carryOver } from '../registry/carry-over.ts';
import { readGalleryLog } from '../registry/gallery-log.ts';
import { DATA_SETS } from '../registry/layout.ts';
import { DEFAULT_ALIAS, isName } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import { dataSetOf, followersOf } from './followers.ts';
import type { VersionName } from './followers.ts';
import { settle } from './settle.ts';
import type { Outcome, Outcomes } from './settle.ts';

export interface IngestOptions {
  /** Embeds pictures with a version's own network, as `embedPictures` does. */
  readonly embed: (version: VersionName, pictures: readonly Picture[]) => Promise<EmbeddedPictures>;
  /** The log of a version's gallery as it is now, for who keeps it in memory. @default read anew */
  readonly log?: (version: VersionName) => Promise<GalleryLog>;
  /** The versions in production that were trained on a data set, for who remembers them for a moment. @default looked up */
  readonly followers?: (dataSet: string) => Promise<readonly VersionName[]>;
}

/** What became of one picture in one model's gallery. */
export interface Ingested extends VersionName {
  /** `datasets/<dataset>/<class>/<file>` */
  readonly key: string;
  /** `rejected`: the picture cannot be used, and is in no gallery. */
  readonly outcome: 'added' | 'replaced' | 'removed' | 'unchanged' | 'rejected';
  /** Why it was rejected, else null. */
  readonly reason: string | null;
}

/**
 * Makes the galleries of the models in production have of these pictures what their data sets have by now: the store is asked, whatever
 * it was that happened to them. So the same event may come twice, late, or in the wrong order, and many may do it at once. Each change is
 * a segment of its own; killed at any moment, it is written or not, and whoever asks for the same key again goes on from there. Where
 * the alias moves meanwhile, the version that it moves to gets the change too.
 * @param keys `datasets/<dataset>/<class>/<file>`; others, and such as no data set counts as pictures, are passed over
 * @returns an entry for each picture and each model whose version in production was trained on its data set
 * @throws StorageError, ConflictError and what `embed` throws, once all models had their turn; done again, it goes on from there
 */
export async function ingest(
  registry: Registry,
  keys: readonly string[],
  options: IngestOptions,
): Promise<Ingested[]> {
  const ingested: Ingested[] = [];
  const failures: unknown[] = [];
  for (const [dataSet, paths] of byDataSet(keys)) {
    const followers = await (options.followers?.(dataSet) ?? followersOf(registry, dataSet));
    for (const version of followers) {
      // A model that is damaged keeps the others from nothing.
      await ingestInto(registry, version, dataSet, paths, options).then(
        (done) => ingested.push(...done),
        (error: unknown) => failures.push(error),
      );
    }
  }
  if (failures.length > 0) throw failures[0];
  return ingested;
}

/**
 * The same for one model, beginning with the version that it has in production.
 * @param paths `<class>/<file>` in the data set that this version was trained on
 */
export async function ingestInto(
  registry: Registry,
  version: VersionName,
  dataSet: string,
  paths: readonly string[],
  options: IngestOptions,
): Promise<Ingested[]> {
  const { embed, log = async (name) => readGalleryLog(registry, name) } = options;
  const { model } = version;
  const outcomes: Outcomes = new Map();
  const written: string[] = [];
  const atHand = new Map<string, Picture>();
  for (let current = version; ;) {
    const way = { registry, version: current, dataSet, embed, log };
    await settle(way, paths, { outcomes, written, atHand });
    const now = (await registry.alias(model, DEFAULT_ALIAS))?.version ?? current.version;
    if (now === current.version) return told(current, dataSet, outcomes);
    await carryOver(
      registry,
      model,
      { from: current.version, to: now },
      {
        missing: 'drop',
        only: new Set(written),
        atHand,
        embed: (pictures) => embed({ model, version: now }, pictures),
      },
    );
    current = { model, version: now };
    if ((await dataSetOf(registry, current)) !== dataSet) return told(current, dataSet, outcomes);
  }
}

function told(version: VersionName, dataSet: string, outcomes: Outcomes): Ingested[] {
  return [...outcomes].map(([path, outcome]) => ({
    ...version,
    key: `${DATA_SETS}${dataSet}/${path}`,
    outcome: inAWord(outcome),
    reason: outcome.rejected,
  }));
}

function inAWord({ removed, added, rejected }: Outcome): Ingested['outcome'] {
  if (rejected !== null) return 'rejected';
  if (added) return removed ? 'replaced' : 'added';
  return removed ? 'removed' : 'unchanged';
}

/** The paths below each data set, of keys that can be its pictures'. */
function byDataSet(keys: readonly string[]): Map<string, string[]> {
  const paths = new Map<string, Set<string>>();
  for (const key of keys) {
    const [, dataSet = '', path = ''] = /^datasets\/([^/]+)\/([^/]+\/[^/]+)$/.exec(key) ?? [];
    if (!isName(dataSet, 'data set') || !isPicturePath(path)) continue;
    const found = paths.get(dataSet);
    if (found === undefined) paths.set(dataSet, new Set([path]));
    else found.add(path);
  }
  return new Map([...paths].map(([dataSet, found]) => [dataSet, [...found]]));
}

/** Whether a data set counts what is there as a picture of a class. */
export function isPicturePath(path: string): boolean {
  const place = placeOf(path);
  return typeof place === 'object' && 'className' in place;
}
