import { engineName } from '../embedding/embedder.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { checkGolden } from '../embedding/golden.ts';
import { SkewError } from '../errors.ts';
import { readGolden } from '../gallery/arrow-golden.ts';
import { quote } from '../storage/keys.ts';
import { versionPrefix } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { networkIdOf } from './network-id.ts';
import type { Registry } from './registry.ts';

/** A version's golden pictures with what they were embedded to; see core/embedding/golden.ts. */
export const GOLDEN_FILE = 'golden.arrow';

/** What has reproduced its golden pictures in this process: neither libraries nor files of a version change under it. */
const proven = new Set<string>();

/** @throws SkewError for a version that nothing could be checked on */
export function requireGolden({ model, version, files }: Manifest): void {
  if (Object.hasOwn(files, GOLDEN_FILE)) return;
  throw new SkewError(
    `${model}@${version} has no golden pictures: it was made by a Kindred that did not know them, and nothing shows ` +
      `that its pictures are decoded and embedded here as they were there. Train it again ("kindred train").`,
  );
}

/**
 * Has the embedder reproduce the version's golden pictures, unless it did so before in this process.
 * @throws SkewError when it does not; CorruptDataError
 */
export async function proveEmbedder(
  registry: Registry,
  { model, version, files }: Manifest,
  embedder: Embedder,
): Promise<void> {
  const proof = [networkIdOf(files), files[GOLDEN_FILE]?.sha256, engineName(embedder)].join(' ');
  if (proven.has(proof)) return;
  const key = `${versionPrefix(model, version)}${GOLDEN_FILE}`;
  const golden = readGolden(await registry.file(model, version, GOLDEN_FILE), quote(key));
  await checkGolden(embedder, golden, `${model}@${version}`);
  proven.add(proof);
}
