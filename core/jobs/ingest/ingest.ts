/** Pictures of data sets that come and go, taken up by the galleries of the models that were trained on these data sets. */
import type { EmbeddedPictures } from '../../embedding/embed-pictures.ts';
import type { GalleryLog } from '../../gallery/carry-over.ts';
import type { Picture } from '../../images/dataset.ts';
import type { Registry } from '../../registry/registry.ts';

interface VersionName {
  readonly model: string;
  readonly version: number;
}

export interface IngestOptions {
  /** Embeds pictures with a version's own network, as `embedPictures` does. */
  readonly embed: (version: VersionName, pictures: readonly Picture[]) => Promise<EmbeddedPictures>;
  /** The log of a version's gallery as it is now, for who keeps it in memory. @default read anew */
  readonly log?: (version: VersionName) => Promise<GalleryLog>;
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
 * it was that happened to them. So the same event may come twice, late, or in the wrong order.
 * @param keys `datasets/<dataset>/<class>/<file>`; others, and such as no data set counts as pictures, are passed over
 * @returns an entry for each picture and each model whose version in production was trained on its data set
 * @throws StorageError and what `embed` throws; done again, it goes on from there
 */
export async function ingest(
  _registry: Registry,
  _keys: readonly string[],
  _options: IngestOptions,
): Promise<Ingested[]> {
  throw new Error('still to be written');
}
