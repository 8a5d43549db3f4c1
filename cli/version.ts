import { readEvaluation } from '../core/registry/evaluation.ts';
import type { StoredEvaluation } from '../core/registry/evaluation.ts';
import * as versions from '../core/registry/open-version.ts';
import type { OpenedGallery, OpenedNames, OpenedVersion } from '../core/registry/open-version.ts';
import type { Resolved } from '../core/registry/registry.ts';
import type { Context } from './context.ts';
import { chosenVersion } from './models.ts';

/** Opens the gallery of the version that is named, or of the only model's in production, without embeddings. */
export async function openNames(context: Context, reference: string | undefined): Promise<OpenedNames> {
  return versions.openNames(await context.registry(), await chosenVersion(context, reference));
}

/** The same with the embeddings. Images that cannot be embedded are named on stderr. */
export async function openGallery(context: Context, reference: string | undefined): Promise<OpenedGallery> {
  const resolved = await chosenVersion(context, reference);
  const opened = await versions.openGallery(await context.registry(), resolved);
  noteMissing(context, opened);
  return opened;
}

/** The same with the network that makes the embeddings. */
export async function loadVersion(context: Context, reference: string | undefined): Promise<OpenedVersion> {
  const resolved = await chosenVersion(context, reference);
  const opened = await versions.openVersion(await context.registry(), resolved);
  noteMissing(context, opened);
  return opened;
}

const SHOWN_MISSING = 3;

function noteMissing({ terminal }: Context, { model, version, missing }: OpenedGallery): void {
  for (const { image, reason } of missing.slice(0, SHOWN_MISSING)) {
    terminal.note(`${model}@${version} answers without ${JSON.stringify(image.key)}: ${reason}.`);
  }
  const rest = missing.length - SHOWN_MISSING;
  if (rest > 0) terminal.note(`${model}@${version} answers without ${rest} more images of its gallery.`);
}

/** What was measured when the version was made, or null where there was nothing to measure on. */
export async function storedEvaluation(
  context: Context,
  version: Pick<Resolved, 'model' | 'version'>,
): Promise<StoredEvaluation | null> {
  return readEvaluation(await context.registry(), version);
}
