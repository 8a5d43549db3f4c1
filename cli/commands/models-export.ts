import path from 'node:path';
import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { chosenVersion } from '../models.ts';
import { bytes, counted } from '../output/format.ts';

/** `kindred models export [MODEL] FOLDER`: all files of a version, checked, in a new folder. */
export function exportModelCommand(): Command {
  return command('export', 'copy all files of a version to a new folder', { model: ASKED_MODEL })
    .usage('[options] [model] <folder>')
    .argument('<model-and-folder...>', 'the version, unless --model names it, and the new folder')
    .action(async (given: string[], flags: CommonFlags, self: Command) => {
      const [reference, folder] = given.length === 1 ? [flags.model, given[0]] : [given[0], given[1]];
      if (given.length > 2 || folder === undefined) self.error('error: too many arguments');
      const context = contextOf(flags);
      const { model, version } = await chosenVersion(context, reference);
      const registry = await context.registry();
      const { files } = await registry.export(model, version, folder);
      const size = Object.values(files).reduce((sum, file) => sum + file.size, 0);
      context.terminal.json({
        model,
        version,
        folder: path.resolve(folder),
        files: Object.keys(files).length,
        size,
      });
      const what = `${counted(Object.keys(files).length, 'file')}, ${bytes(size)}`;
      context.terminal.print(`Version ${version} of ${model} is in ${JSON.stringify(folder)}: ${what}.`);
    });
}
