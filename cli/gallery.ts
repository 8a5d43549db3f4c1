import { writeSegment } from '../core/gallery/arrow.ts';
import type { Segment } from '../core/gallery/segments.ts';
import type { OpenedGallery } from '../core/registry/open-version.ts';
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

/** Stores a change beside the gallery; whoever opens the version from now on sees it. */
export async function storeChange(
  context: Context,
  { model, version }: OpenedGallery,
  segment: Segment | null,
): Promise<Change> {
  if (segment === null) return { model, version, segment: null, added: 0, removed: 0 };
  await (await context.registry()).addSegment(model, version, segment.id, writeSegment(segment));
  const added = segment.entries.filter(({ op }) => op === 'add').length;
  return { model, version, segment: segment.id, added, removed: segment.entries.length - added };
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
