import type { GalleryContents } from '../core/gallery/contents.ts';
import type { Fact } from '../core/gallery/facts.ts';
import type { OpenedNames } from '../core/registry/open-version.ts';
import type { Context } from './context.ts';
import { counted } from './output/format.ts';
import { openNames } from './version.ts';

/** What a change of a gallery did, for people and programs. */
export interface Change {
  readonly model: string;
  readonly version: number;
  /** The id of the change in the log, or null when there was nothing to change. */
  readonly segment: string | null;
  readonly added: number;
  readonly removed: number;
}

/** Records facts in the log of the model's gallery, after the changes that `opened` was read with. */
export async function recordFacts(
  context: Context,
  { model, version, contents }: OpenedNames,
  facts: readonly Fact[],
): Promise<{ readonly change: Change; readonly contents: GalleryContents }> {
  if (facts.length === 0) {
    return { change: { model, version, segment: null, added: 0, removed: 0 }, contents };
  }
  const registry = await context.registry();
  const before = identities(contents);
  const log = await registry.append(model, contents.changes, facts, context.author);
  const now = contents.follow(log);
  const after = identities(now);
  const change = {
    model,
    version,
    segment: log.at(-1)?.id ?? null,
    added: countOutside(after, before),
    removed: countOutside(before, after),
  };
  return { change, contents: now };
}

/** Decides facts by the gallery as it is, records them and prints what was done. */
export async function changeGallery(
  context: Context,
  reference: string | undefined,
  decide: (contents: GalleryContents) => readonly Fact[],
  done: string,
): Promise<void> {
  const opened = await openNames(context, reference);
  const { change } = await recordFacts(context, opened, decide(opened.contents));
  context.terminal.json(change);
  context.terminal.print(`${done} (${change.model}@${change.version}: ${countsOf(change)}).`);
}

/** An image that gets another class counts as removed and added. */
function countsOf({ added, removed }: Change): string {
  if (added === removed) return `${counted(added, 'image')} moved`;
  if (added === 0) return `${counted(removed, 'image')} removed`;
  return `${counted(added, 'image')} added, ${removed} removed`;
}

function countOutside(some: ReadonlySet<string>, others: ReadonlySet<string>): number {
  return [...some].filter((one) => !others.has(one)).length;
}

function identities({ images }: GalleryContents): Set<string> {
  return new Set(images.map((image) => `${image.sha256} ${image.class}`));
}
