import { compactGallery } from '../registry/compaction.ts';
import type { Compaction } from '../registry/compaction.ts';
import { compactEmbeddings } from '../registry/embeddings.ts';
import { networkIdOf } from '../registry/network-id.ts';
import type { Registry } from '../registry/registry.ts';
import type { VersionName } from './followers.ts';
import type { KnownGalleries } from './known-galleries.ts';

/** Puts many changes of a model's gallery together, and many files of a version's embeddings. @throws CorruptDataError */
export async function compactModel(
  registry: Registry,
  { model, version }: VersionName,
  galleries: KnownGalleries,
): Promise<Compaction> {
  const { store } = registry;
  const compaction = await compactGallery(store, model);
  const network = networkIdOf((await registry.knownManifest(model, version)).files);
  await compactEmbeddings(store, model, network, async () => {
    const { binding, contents } = await galleries.now({ model, version });
    return { binding, wanted: new Set(contents.images.map(({ sha256 }) => sha256)) };
  });
  return compaction;
}
