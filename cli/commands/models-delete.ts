import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { checkedReference, numberedVersion } from '../models.ts';
import { counted } from '../output/format.ts';
import { UsageError } from '../usage.ts';

interface Flags extends CommonFlags {
  readonly alias?: string;
  readonly unfinished?: boolean;
  readonly force?: boolean;
  readonly why: string;
}

/**
 * `kindred models delete NAME[@N]`: a model, one of its versions, or with --alias one of its aliases. What is in production
 * is kept unless forced; a version that an alias points to is kept always.
 */
export function deleteModelCommand(): Command {
  return command(
    'delete',
    'delete a model, a version or an alias for good; refused while it is in production',
  )
    .argument('[model]', 'NAME for the whole model, NAME@N for one version (or --model)')
    .option('--alias <name>', 'delete this alias of the model, and nothing else')
    .option('--unfinished', 'remove what a killed training left of a version that was never published')
    .option('--force', 'delete a model or an alias also while it is in production')
    .option('--why <text>', 'kept in its tombstone', '')
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const reference = named ?? flags.model;
      if (reference === undefined) {
        throw new UsageError('Name what to delete: a model such as clothes, or a version such as clothes@2.');
      }
      const isModel = !(await checkedReference(reference)).includes('@');
      if (flags.alias !== undefined) {
        if (!isModel || flags.unfinished)
          throw new UsageError('Give --alias with the name of the model alone.');
        return deleteAlias(context, reference, flags.alias, flags);
      }
      if (isModel && !flags.unfinished) return deleteWhole(context, reference, flags);
      if (flags.force) {
        throw new UsageError(
          'A version that an alias points to is never deleted; --force is for models and aliases. Move the alias first.',
        );
      }
      return deleteVersion(context, reference, flags);
    });
}

async function deleteVersion(context: Context, reference: string, flags: Flags): Promise<void> {
  const { model, version } = await numberedVersion(reference);
  const registry = await context.registry();
  const author = { by: context.author, why: flags.why };
  if (flags.unfinished) await registry.removeLeftover(model, version, author);
  else await registry.delete(model, version, author);
  context.terminal.json({ model, version, deleted: true });
  context.terminal.print(`Version ${version} of ${model} is deleted.`);
}

async function deleteWhole(context: Context, model: string, { force, why }: Flags): Promise<void> {
  const { deleteModel } = await import('../../core/jobs/delete-model.ts');
  const author = { by: context.author, why };
  const versions = await deleteModel(await context.registry(), model, author, { force: force ?? false });
  context.terminal.json({ model, versions, deleted: true });
  context.terminal.print(`The model ${model} is deleted (${counted(versions.length, 'version')}).`);
}

async function deleteAlias(context: Context, model: string, alias: string, { force }: Flags): Promise<void> {
  const registry = await context.registry();
  await registry.deleteAlias(model, alias, { force: force ?? false });
  context.terminal.json({ model, alias, deleted: true });
  context.terminal.print(`The alias ${model}@${alias} is deleted.`);
}
