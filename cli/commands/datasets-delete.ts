import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { counted } from '../output/format.ts';

interface Flags extends CommonFlags {
  readonly force?: boolean;
  readonly why: string;
}

/** `kindred datasets delete NAME`: its images; models that were trained on it keep theirs. */
export function deleteDatasetCommand(): Command {
  return command('delete', 'delete a dataset for good; refused while a model in production was trained on it')
    .argument('<name>', 'the dataset in the registry')
    .option('--force', 'delete it also then; the models keep their galleries, which follow it no more')
    .option('--why <text>', 'kept in its tombstone', '')
    .action(async (dataset: string, { force = false, why, ...flags }: Flags) => {
      const context = contextOf(flags);
      const { deleteDataset } = await import('../../core/jobs/delete-dataset.ts');
      const author = { by: context.author, why };
      const images = await deleteDataset(await context.registry(), dataset, author, { force });
      context.terminal.json({ dataset, images, deleted: true });
      context.terminal.print(`The dataset ${dataset} is deleted (${counted(images, 'file')}).`);
    });
}
