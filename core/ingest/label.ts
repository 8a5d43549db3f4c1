/** Images that a user says the class of. */
import { checkName } from '../gallery/names.ts';
import type { Labelled } from '../gallery/facts.ts';
import { digest } from '../images/picture.ts';
import { keepImages } from '../registry/kept-images.ts';
import type { Registry } from '../registry/registry.ts';
import { embedIntoCache } from './embed-images.ts';
import type { VersionName } from './followers.ts';
import { KnownGalleries } from './known-galleries.ts';
import type { KnownGallery } from './known-galleries.ts';
import type { ReconcileOptions } from './reconcile.ts';
import { imageInMemory } from './stored-image.ts';

export interface ImageToLabel {
  readonly bytes: Uint8Array;
  /** The name that it gets in the class, if it is free there. */
  readonly file: string;
  /** Its key, where a dataset of the registry has it. */
  readonly source?: string | undefined;
}

/** What became of an image. */
export interface LabelledImage {
  readonly sha256: string;
  /** `<class>/<file>` in the gallery; null when the image cannot be used. */
  readonly key: string | null;
  readonly outcome: 'added' | 'moved' | 'unchanged' | 'rejected';
  /** Why it was rejected, else null. */
  readonly reason: string | null;
}

export interface Labelling {
  /** As the gallery spells it. */
  readonly class: string;
  /** One for each image, in order. */
  readonly images: readonly LabelledImage[];
}

export interface LabelOptions extends ReconcileOptions {
  /** Who says so. */
  readonly by: string;
}

type Outcome = Pick<LabelledImage, 'outcome' | 'reason'>;

/**
 * Records that the images are of the class, which may be new, and of no other. Datasets that have them otherwise no longer count, for every
 * version of the model. It is one change, so that of two users who say different things at once the later one is right for all images.
 * @param version embeds the images
 * @throws InvalidInputError when the class cannot be one; NotFoundError; what `embed` throws. Done again, it goes on from there
 */
export async function labelImages(
  registry: Registry,
  version: VersionName,
  className: string,
  images: readonly ImageToLabel[],
  { embed, galleries = new KnownGalleries(registry), by }: LabelOptions,
): Promise<Labelling> {
  checkName(className, 'class');
  const summed = images.map((image) => ({ ...image, sha256: digest(image.bytes) }));
  const gallery = await galleries.now(version);
  const name = gallery.contents.spelled(className);
  const outcomes = new Map(summed.map(({ sha256 }) => [sha256, outcomeOf(gallery, sha256, name)]));
  const fresh = [...new Map(summed.map((image) => [image.sha256, image])).values()];
  const unknown = fresh.filter(({ sha256 }) => gallery.contents.classesOf(sha256).size === 0);
  const inMemory = unknown.map((image) => imageInMemory(image.file, '', image));
  const reasons = await embedIntoCache(registry.store, version, gallery.binding, inMemory, embed);
  for (const [sha256, reason] of reasons) outcomes.set(sha256, { outcome: 'rejected', reason });
  const labelled = fresh.filter(({ sha256 }) => !reasons.has(sha256) && !isSettled(gallery, sha256, name));
  if (labelled.length > 0) {
    // Also what a dataset has, which may lose it.
    await keepImages(
      registry.store,
      labelled.map((image) => imageInMemory('', '', image)),
    );
    const facts = labelled.map(({ sha256, file, source = null }): Labelled => {
      return { op: 'label', class: name, sha256, file, source };
    });
    await galleries.append(version, gallery.log, facts, by);
  }
  const keys = keysIn(await galleries.now(version), name);
  return {
    class: name,
    images: summed.map(({ sha256, file }) => {
      const { outcome, reason } = outcomes.get(sha256) as Outcome;
      const key = outcome === 'rejected' ? null : (keys.get(sha256) ?? `${name}/${file}`);
      return { sha256, key, outcome, reason };
    }),
  };
}

function outcomeOf({ contents }: KnownGallery, sha256: string, className: string): Outcome {
  const classes = contents.classesOf(sha256);
  const isElsewhere = [...classes].some((name) => name !== className);
  return { outcome: isElsewhere ? 'moved' : classes.has(className) ? 'unchanged' : 'added', reason: null };
}

/** Whether a user has said before that the image is of this class alone. */
function isSettled({ contents }: KnownGallery, sha256: string, className: string): boolean {
  const classes = contents.classesOf(sha256);
  return contents.isDecided(sha256) && classes.size === 1 && classes.has(className);
}

function keysIn({ contents }: KnownGallery, className: string): Map<string, string> {
  return new Map(
    contents.images.flatMap(({ key, class: name, sha256 }) => (name === className ? [[sha256, key]] : [])),
  );
}
