import { readEvaluation } from '../core/registry/evaluation.ts';
import type { StoredEvaluation } from '../core/registry/evaluation.ts';
import * as versions from '../core/registry/open-version.ts';
import type { OpenedGallery, OpenedVersion } from '../core/registry/open-version.ts';
import type { Resolved } from '../core/registry/registry.ts';
import type { Context } from './context.ts';
import { chosenVersion } from './models.ts';

/** Opens the gallery of the version that is named, or of the only model's in production. */
export async function openGallery(context: Context, reference: string | undefined): Promise<OpenedGallery> {
  const resolved = await chosenVersion(context, reference);
  return versions.openGallery(await context.registry(), resolved);
}

/** The same with the network that makes its embeddings. */
export async function loadVersion(context: Context, reference: string | undefined): Promise<OpenedVersion> {
  const resolved = await chosenVersion(context, reference);
  return versions.openVersion(await context.registry(), resolved);
}

/** What was measured when the version was made, or null where there was nothing to measure on. */
export async function storedEvaluation(
  context: Context,
  version: Pick<Resolved, 'model' | 'version'>,
): Promise<StoredEvaluation | null> {
  return readEvaluation(await context.registry(), version);
}
