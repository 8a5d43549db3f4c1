import { Option } from 'commander';
import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command, wholeNumber } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

interface Flags extends CommonFlags {
  readonly top: number;
  readonly point: 'strict' | 'balanced' | 'lenient';
}

/** `kindred classify IMAGE...`: the class of each picture, how far its nearest relatives are, and which they are. */
export function classifyCommand(): Command {
  return command('classify', 'tell the class of pictures', { model: ASKED_MODEL, engine: true })
    .argument('<image...>', 'picture files')
    .option('--top <k>', 'name the k nearest classes', wholeNumber(1), 5)
    .addOption(
      new Option('--point <name>', 'how readily a picture counts as unknown')
        .choices(['strict', 'balanced', 'lenient'])
        .default('balanced'),
    )
    .action(async (images: string[], flags: Flags) => {
      const context = contextOf(flags);
      const { loadVersion } = await import('../version.ts');
      const { embedFiles, tellFailures } = await import('../pictures/files.ts');
      const { deciderOf } = await import('../classify.ts');
      const { printAnswer } = await import('../output/answer.ts');
      const loaded = await loadVersion(context, flags.model);
      const decide = deciderOf(loaded, flags);
      const files = await embedFiles(context.terminal, loaded.embedder, images);
      const results = files.map((file) =>
        file.error === undefined ? { image: file.image, ...decide(file.embedding) } : file,
      );
      context.terminal.json({
        model: loaded.model,
        version: loaded.version,
        engine: loaded.embedder.engine,
        results,
      });
      for (const result of results) if (!('error' in result)) printAnswer(context.terminal, result);
      tellFailures(context.terminal, files);
    });
}
