import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command, share, wholeNumber } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

interface Flags extends CommonFlags {
  readonly top: number;
  readonly point: 'strict' | 'balanced' | 'lenient';
  readonly threshold?: number;
  readonly falseRejection?: number;
  readonly falseAcceptance?: number;
}

/** `kindred classify IMAGE...`: the class of each picture, how far its nearest relatives are, and which they are. */
export function classifyCommand(): Command {
  return command('classify', 'tell the class of pictures', { model: ASKED_MODEL })
    .argument('<image...>', 'picture files')
    .option('--top <k>', 'name the k nearest classes', wholeNumber(1), 5)
    .addOption(
      new Option('--point <name>', 'how readily a picture counts as unknown')
        .choices(['strict', 'balanced', 'lenient'])
        .default('balanced'),
    )
    .addOption(
      new Option('--false-rejection <share>', 'instead: let this share of known pictures be called unknown')
        .argParser(share)
        .conflicts(['point', 'falseAcceptance', 'threshold']),
    )
    .addOption(
      new Option('--false-acceptance <share>', 'instead: let this share of strangers be called known')
        .argParser(share)
        .conflicts(['point', 'threshold']),
    )
    .addOption(
      new Option('--threshold <distance>', 'instead: call unknown what is farther than this')
        .argParser(distance)
        .conflicts(['point']),
    )
    .action(async (images: string[], flags: Flags) => {
      const context = contextOf(flags);
      const { loadVersion } = await import('../version.ts');
      const { embedFiles, tellFailures } = await import('../pictures/files.ts');
      const { deciderOf } = await import('../classify.ts');
      const { printAnswer, printUnreadable } = await import('../output/answer.ts');
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
        gallery: loaded.state,
        results,
      });
      for (const result of results) {
        if (!('error' in result)) printAnswer(context.terminal, result);
        else printUnreadable(context.terminal, result.image, result.error ?? '');
      }
      if (results.some((result) => 'known' in result && result.known === null)) {
        context.terminal.note(
          `${loaded.model}@${loaded.version} has no threshold, so nothing is called unknown: when it was made, no class had two different pictures. --threshold sets one.`,
        );
      }
      tellFailures(context.terminal, files);
    });
}

function distance(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= 0 && value < Infinity) return value;
  throw new InvalidArgumentError('Allowed is a distance of at least 0, such as 1.4.');
}
