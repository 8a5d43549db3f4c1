import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Option } from 'commander';
import type { Command } from 'commander';
import { ConflictError } from '../../core/errors.ts';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { chosenVersion } from '../models.ts';
import { bytes } from '../output/format.ts';

interface ExportFlags extends CommonFlags {
  readonly format: 'archive' | 'onnx' | 'tfjs';
}

/** `kindred models export [MODEL] TARGET`: a version as one archive, or its network in a new folder. */
export function exportModelCommand(): Command {
  return command('export', 'write a version to one archive, or its network to a folder', {
    model: ASKED_MODEL,
  })
    .usage('[options] [model] <target>')
    .argument('<model-and-target...>', 'the version, unless --model names it, and the new file or folder')
    .addOption(
      new Option(
        '--format <name>',
        'archive: a tar file for "models import"; onnx, tfjs: the network in a folder',
      )
        .choices(['archive', 'onnx', 'tfjs'])
        .default('archive'),
    )
    .action(async (given: string[], flags: ExportFlags, self: Command) => {
      const [reference, target] = given.length === 1 ? [flags.model, given[0]] : [given[0], given[1]];
      if (given.length > 2 || target === undefined) self.error('error: too many arguments');
      const context = contextOf(flags);
      const { model, version } = await chosenVersion(context, reference);
      const registry = await context.registry();
      const manifest = await registry.manifest(model, version);
      const { format } = flags;
      if (format === 'archive') await writeNew(target, registry.archive(manifest));
      else {
        const { exportNetwork } = await import('../../core/registry/network-export.ts');
        await exportNetwork(registry, manifest, format, target);
      }
      const size = format === 'archive' ? (await stat(target)).size : null;
      context.terminal.json({ model, version, format, target: path.resolve(target), size });
      const what = size === null ? '' : ` (${bytes(size)})`;
      context.terminal.print(`Exported ${model}@${version} to ${JSON.stringify(target)}${what}.`);
    });
}

/** The file appears whole, or not at all. @throws ConflictError when it exists */
async function writeNew(target: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  if (existsSync(target)) {
    throw new ConflictError(`${JSON.stringify(target)} exists; nothing was written. Name another file.`);
  }
  const partial = `${target}.partial-${randomBytes(6).toString('hex')}`;
  try {
    await pipeline(content, createWriteStream(partial, { flags: 'wx' }));
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}
