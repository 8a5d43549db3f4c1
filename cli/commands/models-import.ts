import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

/** `kindred models import FILE`: a version from an archive of `models export`. */
export function importModelCommand(): Command {
  return command('import', 'publish a version from an archive', {
    model: 'NAME of the model that gets the version (default: the one it was exported from)',
  })
    .argument('<file>', 'what "models export" wrote')
    .action(async (file: string, flags: CommonFlags) => {
      const context = contextOf(flags);
      const registry = await context.registry();
      const scratch = await mkdtemp(path.join(context.scratch, 'kindred-import-'));
      try {
        const options = { model: flags.model, createdBy: context.author, scratch };
        const { model, version, parent } = await registry.import(file, options);
        context.terminal.json({ model, version, from: parent });
        context.terminal.print(
          `Published ${model}@${version}. Promote it: kindred models promote ${model}@${version}`,
        );
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    });
}
