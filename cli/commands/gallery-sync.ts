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

/** `kindred gallery sync [model]`: what came to the data set or went from it since, into the gallery or out of it. */
export function syncGalleryCommand(): Command {
  return command(
    'sync',
    'have the gallery follow the data set that the version in production was trained on',
    {
      model: 'the same as [model]',
    },
  )
    .argument('[model]', 'NAME')
    .option(
      '--names',
      'compare names alone: quick, but a picture that was replaced under its name is not found',
    )
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const model = await chosenModel(context, named ?? flags.model);
      tell(context, await synced(context, model, flags.names ? 'names' : 'content'));
    });
}

async function synced(context: Context, model: string, compare: 'names' | 'content'): Promise<Synced> {
  const [{ syncGallery }, { compactGallery }, { OpenVersions }, { embedPictures }, { stoppable }] =
    await Promise.all([
      import('../../core/ingest/sync.ts'),
      import('../../core/registry/compaction.ts'),
      import('../../core/promotion/open-versions.ts'),
      import('../../core/embedding/embed-pictures.ts'),
      import('../stopping.ts'),
    ]);
  const registry = await context.registry();
  const opened = new OpenVersions(registry, model);
  const progress = progressOn(context.terminal, 'pictures');
  try {
    return await stoppable(context, async ({ signal }) => {
      const done = await syncGallery(registry, model, {
        compare,
        signal,
        embed: async ({ version }, pictures) => embedPictures(await opened.embedder(version), pictures),
        onProgress: progress.update,
      });
      await compactGallery(registry.store, done);
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
      ? 'the data set has no pictures any more; the gallery was left as it is'
      : changes.length === 0
        ? 'nothing has changed'
        : `${counted(changes.length, 'picture')} taken up`;
  terminal.print(
    `${model}@${version} and the data set ${JSON.stringify(dataSet)} (${counted(pictures, 'picture')}): ${what}.`,
  );
}
