import type { Command } from 'commander';
import type { Synced } from '../../core/ingest/sync.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { chosenModel } from '../models.ts';
import { counted } from '../output/format.ts';
import { progressOn } from '../output/progress.ts';

interface Flags extends CommonFlags {
  readonly names?: boolean;
}

/** `kindred gallery sync [model]`: reconciles the gallery with the dataset that it follows. */
export function syncGalleryCommand(): Command {
  return command('sync', 'ingest what came to the dataset of the version in production, changed or went', {
    model: 'the same as [model]',
  })
    .argument('[model]', 'NAME')
    .option(
      '--names',
      'compare names only: fast, but does not find images that were replaced under their names',
    )
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const model = await chosenModel(context, named ?? flags.model);
      tell(context, await synced(context, model, flags.names ? 'names' : 'content'));
    });
}

async function synced(context: Context, model: string, compare: 'names' | 'content'): Promise<Synced> {
  const [
    { syncGallery },
    { compactModel },
    { KnownGalleries },
    { OpenVersions },
    { embedPictures },
    { stoppable },
  ] = await Promise.all([
    import('../../core/ingest/sync.ts'),
    import('../../core/ingest/compact.ts'),
    import('../../core/ingest/known-galleries.ts'),
    import('../../core/promotion/open-versions.ts'),
    import('../../core/embedding/embed-pictures.ts'),
    import('../stopping.ts'),
  ]);
  const registry = await context.registry();
  const galleries = new KnownGalleries(registry);
  const opened = new OpenVersions(registry, model);
  const progress = progressOn(context.terminal, 'images');
  try {
    return await stoppable(context, async ({ signal }) => {
      const done = await syncGallery(registry, model, {
        compare,
        signal,
        galleries,
        embed: async ({ version }, images) => embedPictures(await opened.embedder(version), images),
        onProgress: progress.update,
      });
      await compactModel(registry, done, galleries);
      return done;
    });
  } finally {
    progress.end();
    opened.dispose();
  }
}

function tell({ terminal }: Context, { model, version, dataSet, pictures, changes }: Synced): void {
  terminal.json({ model, version, dataSet, pictures, changes });
  for (const { key, outcome, reason } of changes) {
    terminal.note(`${outcome} ${JSON.stringify(key)}${reason === null ? '' : `: ${reason}`}`);
  }
  const what =
    pictures === 0
      ? 'the dataset has no images; the gallery was not changed'
      : changes.length === 0
        ? 'nothing has changed'
        : `${counted(changes.length, 'image')} ingested`;
  terminal.print(
    `${model}@${version} and the dataset ${JSON.stringify(dataSet)} (${counted(pictures, 'image')}): ${what}.`,
  );
}
