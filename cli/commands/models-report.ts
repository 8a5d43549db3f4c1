import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { chosenVersion } from '../models.ts';
import { bytes } from '../output/format.ts';
import { shellQuoted } from '../output/shell.ts';

interface Flags extends CommonFlags {
  readonly out?: string;
}

/** `kindred models report [MODEL]`: the report of a version as a file to be opened in a browser. */
export function reportCommand(): Command {
  return command('report', 'write the report of a version: accuracy, mistakes as pictures, thresholds', {
    model: 'the same as [model]',
  })
    .argument('[model]', 'NAME, NAME@ALIAS or NAME@N')
    .option('--out <file>', 'where to write it (default: NAME-N.html in this folder)')
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const { model, version } = await chosenVersion(context, named ?? flags.model);
      const [{ readReport }, { writeResult }] = await Promise.all([
        import('../../core/registry/report.ts'),
        import('../output/file.ts'),
      ]);
      const report = await readReport(await context.registry(), { model, version });
      const file = path.resolve(flags.out ?? `${model}-${version}.html`);
      await writeResult(file, report);
      const address = pathToFileURL(file).href;
      context.terminal.json({ model, version, file, address, size: report.length });
      context.terminal.print(
        `The report of ${model}@${version} is in ${JSON.stringify(file)} (${bytes(report.length)}, nothing else is needed).\n` +
          `Open it in a browser: ${opener(process.platform)} ${shellQuoted(file)}\n  or ${address}`,
      );
    });
}

/** The program that opens a file with whatever this system opens it with. */
function opener(platform: NodeJS.Platform): string {
  return platform === 'darwin' ? 'open' : platform === 'win32' ? 'start' : 'xdg-open';
}
