import { writeSegment } from '../core/gallery/arrow.ts';
import type { Segment } from '../core/gallery/segments.ts';
import type { Picture } from '../core/images/dataset.ts';
import type { OpenedGallery } from '../core/registry/open-version.ts';
import type { KeptPicture } from '../core/registry/pictures.ts';
import type { Context } from './context.ts';
import { counted } from './output/format.ts';

/** What a change of a gallery did, for people and programs. */
export interface Change {
  readonly model: string;
  readonly version: number;
  /** The id of the segment, or null when there was nothing to change. */
  readonly segment: string | null;
  readonly added: number;
  readonly removed: number;
}

/** The pictures that a change adds. */
interface Added {
  readonly pictures: readonly Picture[];
  /** Those that are kept, so that versions to come can embed them. */
  readonly kept: readonly KeptPicture[];
}

/**
 * Stores a change beside the gallery; whoever opens the version from now on sees it. Where an alias was named and points to another version
 * by now, that one gets the change too.
 */
export async function storeChange(
  context: Context,
  opened: OpenedGallery,
  segment: Segment | null,
  added: Added = { pictures: [], kept: [] },
): Promise<Change> {
  const { model, version } = opened;
  if (segment === null) return { model, version, segment: null, added: 0, removed: 0 };
  const registry = await context.registry();
  await registry.keepPictures(model, added.kept, async () =>
    registry.addSegment(model, version, segment.id, await writeSegment(segment)),
  );
  const { followAlias } = await import('../core/promotion/follow-alias.ts');
  const last = await followAlias(registry, opened, segment.id, added.pictures);
  const additions = segment.entries.filter(({ op }) => op === 'add').length;
  return {
    model,
    version: last,
    segment: segment.id,
    added: additions,
    removed: segment.entries.length - additions,
  };
}

/** Tells what was done, in the words of the command and as numbers. */
export function tellChange({ terminal }: Context, change: Change, done: string): void {
  terminal.json(change);
  terminal.print(`${done} (${change.model}@${change.version}: ${countsOf(change)}).`);
}

/** A picture that gets another class goes out and comes in again. */
function countsOf({ added, removed }: Change): string {
  if (added === removed) return `${counted(added, 'picture')} moved`;
  if (added === 0) return `${counted(removed, 'picture')} out`;
  return `${counted(added, 'picture')} in, ${removed} out`;
}
