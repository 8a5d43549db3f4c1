import type { Picture } from '../images/dataset.ts';
import { carryOver } from '../registry/carry-over.ts';
import type { Registry, Resolved } from '../registry/registry.ts';
import { OpenVersions } from './open-versions.ts';
import { carryOptions } from './promote.ts';

/**
 * For who has just changed the gallery of the version that an alias pointed to: while the alias has moved on, the change is carried over to
 * where it points. Together with the last look of whoever moves it, no change is lost.
 * @param id the change
 * @param pictures that it adds
 * @returns the version that the alias points to and that has the change; the resolved one when no alias was named
 * @throws as `carryOver` does
 */
export async function followAlias(
  registry: Registry,
  { model, version, alias }: Resolved,
  id: string,
  pictures: readonly Picture[],
): Promise<number> {
  if (alias === null) return version;
  const opened = new OpenVersions(registry, model);
  const atHand = new Map(pictures.map((picture) => [picture.sha256, picture]));
  const talk = { report: () => undefined, signal: undefined };
  try {
    for (let has = version; ;) {
      const now = (await registry.alias(model, alias))?.version ?? has;
      if (now === has) return has;
      const options = { ...carryOptions(opened, now, 'drop', talk), only: new Set([id]), atHand };
      await carryOver(registry, model, { from: has, to: now }, options);
      has = now;
    }
  } finally {
    opened.dispose();
  }
}
