/** A data set "colours" in a registry, the model of that name which was trained on it, and what its gallery has of it. */
import { embedPictures } from '../../../core/embedding/embed-pictures.ts';
import { ingest } from '../../../core/ingest/ingest.ts';
import type { IngestOptions } from '../../../core/ingest/ingest.ts';
import type { Ingested } from '../../../core/ingest/reconcile.ts';
import { OpenVersions } from '../../../core/promotion/open-versions.ts';
import { openGallery } from '../../../core/registry/open-version.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { picture, publishColours, SHARP } from '../registry/colours.ts';
import { author } from '../registry/support.ts';

/** Puts a picture there and gives its key. */
export async function put(
  registry: Registry,
  className: string,
  n: number,
  file = `${n}.png`,
): Promise<string> {
  const bytes = await (await picture(className, n)).read();
  return (await registry.addToDataSet('colours', { className, file, bytes }, { replace: true })).key;
}

/** The same with a version that was trained on what is there, and is in production. */
export async function trainedOn(
  registry: Registry,
  classes: readonly string[],
  count: number,
): Promise<void> {
  const train = await Promise.all(
    classes.flatMap((name) => Array.from({ length: count }, async (_, n) => picture(name, n))),
  );
  for (const { className, key, ...each } of train) {
    const file = key.slice(className.length + 1);
    await registry.addToDataSet('colours', { className, file, bytes: await each.read() });
  }
  await publishColours(registry, SHARP, train, [], { follows: 'colours' });
  await registry.move('colours', 'production', 1, author);
}

/** What embeds with a version's own network, loaded when it is first asked. */
export function embedding(registry: Registry): Pick<IngestOptions, 'embed'> & { dispose: () => void } {
  const opened = new Map<string, OpenVersions>();
  return {
    async embed({ model, version }, pictures) {
      const versions = opened.get(model) ?? new OpenVersions(registry, model);
      opened.set(model, versions);
      return embedPictures(await versions.embedder(version), pictures);
    },
    dispose: () => opened.forEach((versions) => versions.dispose()),
  };
}

/** Ingests with networks of its own. */
export async function take(
  registry: Registry,
  keys: readonly string[],
  options: Partial<IngestOptions> = {},
): Promise<Ingested[]> {
  const engine = embedding(registry);
  try {
    return await ingest(registry, keys, { embed: engine.embed, ...options });
  } finally {
    engine.dispose();
  }
}

/** Of the version in production: `<key> <checksum>` of each picture. */
export async function galleryNow(registry: Registry, model = 'colours'): Promise<string[]> {
  const { gallery } = await openGallery(registry, await registry.resolve(model));
  return gallery.keys.map((key, row) => `${key} ${gallery.sha256[row] ?? ''}`);
}

/** The same of the data set. */
export async function dataSetNow(registry: Registry, dataSet = 'colours'): Promise<string[]> {
  const { digest } = await import('../../../core/images/picture.ts');
  const prefix = registry.dataSetPrefix(dataSet);
  const rows: string[] = [];
  for await (const { key } of registry.store.list(prefix)) {
    const found = await registry.store.get(key);
    if (found !== null) rows.push(`${key.slice(prefix.length)} ${digest(found.bytes)}`);
  }
  return rows;
}
