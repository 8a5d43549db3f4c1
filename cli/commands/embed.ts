import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import type { Embedder } from '../../core/embedding/embedder.ts';
import type { EmbeddedFile } from '../pictures/files.ts';
import { counted } from '../output/format.ts';
import { UsageError } from '../usage.ts';

interface Flags extends CommonFlags {
  readonly out?: string;
  readonly backbone?: boolean;
}

/** `kindred embed IMAGE...`: the pictures as numbers, on stdout or as an Arrow file. */
export function embedCommand(): Command {
  return command('embed', 'turn pictures into embeddings', { model: ASKED_MODEL })
    .argument('<image...>', 'picture files')
    .option('--out <file>', 'write them to an Arrow file (columns image and embedding)')
    .option('--backbone', "the pretrained network's 2048 pooled features instead of a model's embedding")
    .action(async (images: string[], flags: Flags) => {
      const context = contextOf(flags);
      if (flags.backbone && flags.model !== undefined) {
        throw new UsageError('--backbone is the pretrained network itself; leave --model away.');
      }
      const { embedFiles, tellFailures } = await import('../pictures/files.ts');
      const embedder = await embedderFor(context, flags);
      const files = await embedFiles(context.terminal, embedder, images);
      const results = files.map(({ image, embedding, error }) =>
        error === undefined ? { image, embedding: Array.from(embedding) } : { image, error },
      );
      if (flags.out !== undefined) await writeOut(flags.out, files, embedder.dimensions);
      context.terminal.json({ engine: embedder.engine, results });
      if (flags.out === undefined)
        for (const { image, embedding } of results) printOne(context, image, embedding);
      else
        context.terminal.print(
          `${counted(results.filter(({ error }) => error === undefined).length, 'embedding')} of ${embedder.dimensions} numbers written to ${JSON.stringify(flags.out)}.`,
        );
      tellFailures(context.terminal, files);
    });
}

async function embedderFor(context: Context, { model, backbone }: Flags): Promise<Embedder> {
  if (backbone) return (await import('../backbone.ts')).loadBackbone(context);
  return (await (await import('../version.ts')).loadVersion(context, model)).embedder;
}

async function writeOut(file: string, files: readonly EmbeddedFile[], dimensions: number): Promise<void> {
  const { writeEmbeddings } = await import('../../core/gallery/arrow.ts');
  const { writeResult } = await import('../output/file.ts');
  const embedded = files.filter(({ embedding }) => embedding !== undefined);
  const numbers = new Float32Array(embedded.length * dimensions);
  for (const [row, { embedding }] of embedded.entries()) numbers.set(embedding ?? [], row * dimensions);
  await writeResult(
    file,
    await writeEmbeddings(
      embedded.map(({ image }) => image),
      numbers,
      dimensions,
    ),
  );
}

function printOne({ terminal }: Context, image: string, embedding: readonly number[] | undefined): void {
  if (embedding !== undefined) terminal.print(`${JSON.stringify(image)} ${embedding.join(' ')}`);
}
