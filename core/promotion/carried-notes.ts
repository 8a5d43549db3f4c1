import { counted } from '../format.ts';
import type { KeptNote } from '../gallery/carry-over.ts';
import type { CarriedOver, MissingPicture } from '../registry/carry-over.ts';

const SHOWN = 3;

/** What carrying over did, for people: a line each; none where there was nothing to do. */
export function carriedNotes({ changes, embedded, missing, kept }: CarriedOver): string[] {
  const done = `${counted(changes, 'change')} of the gallery carried over, ${counted(embedded, 'picture')} embedded again`;
  return [
    ...(changes === 0 ? [] : [done]),
    ...(missing.length === 0
      ? []
      : [`${counted(missing.length, 'picture')} not carried over: ${listed(missing)}`]),
    ...kept.slice(0, SHOWN).map(keptText),
    ...(kept.length > SHOWN ? [`and ${kept.length - SHOWN} more that stay as the new version has them`] : []),
  ];
}

/** The first few, with the reason. */
export function listed(missing: readonly MissingPicture[]): string {
  const first = missing.slice(0, SHOWN).map(({ key, reason }) => `${JSON.stringify(key)} (${reason})`);
  const rest = missing.length > SHOWN ? `, and ${missing.length - SHOWN} more` : '';
  return `${first.join(', ')}${rest}`;
}

function keptText(note: KeptNote): string {
  if (note.kind === 'picture') {
    return `${JSON.stringify(note.key)} stays in the class ${JSON.stringify(note.own)}, where the new version's own data have it`;
  }
  return (
    `the class ${JSON.stringify(note.class)} keeps its name: it has none of the pictures that were renamed to ` +
    `${JSON.stringify(note.to)}, so it seems to be another class`
  );
}
