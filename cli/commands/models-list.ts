import type { Command } from 'commander';
import type { Manifest } from '../../core/registry/manifest.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { chosenModel } from '../models.ts';
import { count, moment, percent } from '../output/format.ts';
import { table } from '../output/table.ts';

interface ListedVersion {
  readonly version: number;
  readonly createdAt: string;
  readonly recipe: string;
  /** Share of right answers on its test pictures, if that was measured. */
  readonly accuracy: number | null;
  readonly pictures: number;
  readonly aliases: readonly string[];
}

interface BrokenVersion {
  readonly version: number;
  readonly aliases: readonly string[];
  /** Why it cannot be used. */
  readonly error: string;
}

interface ListedModel {
  readonly model: string;
  readonly aliases: Readonly<Record<string, number>>;
  readonly versions: readonly (ListedVersion | BrokenVersion)[];
}

/** `kindred models list [MODEL]`: every version, newest first, with the aliases that point to it. */
export function listModelsCommand(): Command {
  return command('list', 'list models and their versions', { model: 'only this model' })
    .argument('[model]', 'only this model')
    .action(async (name: string | undefined, flags: CommonFlags) => {
      const context = contextOf(flags);
      const registry = await context.registry();
      const chosen = name ?? flags.model;
      const names = chosen === undefined ? await registry.models() : [await chosenModel(context, chosen)];
      const models = await Promise.all(names.map((model) => describe(registry, model)));
      if (chosen !== undefined && models[0]?.versions.length === 0)
        await registry.resolve(`${models[0].model}@1`);
      const unfinished = await registry.leftovers();
      const deletions = await registry.unfinishedDeletions();
      context.terminal.json({ models, unfinished });
      print(context, models);
      for (const model of deletions) {
        context.terminal.note(
          `The model ${model} is being deleted, or its deletion was interrupted. To finish it: kindred models delete ${model}`,
        );
      }
      for (const { model, version, files } of unfinished) {
        context.terminal.note(
          `Version ${version} of ${model} was never finished (${files} files): a training that is still at it or was ` +
            `killed. To remove it: kindred models delete ${model}@${version} --unfinished`,
        );
      }
    });
}

async function describe(registry: Registry, model: string): Promise<ListedModel> {
  const [versions, aliases] = await Promise.all([registry.versions(model), registry.aliases(model)]);
  const newestFirst = versions.toReversed();
  return {
    model,
    aliases: Object.fromEntries(aliases.map(({ alias, version }) => [alias, version])),
    versions: await Promise.all(
      newestFirst.map(async (version) => {
        const pointing = aliases.filter((each) => each.version === version).map(({ alias }) => alias);
        return describeVersion(registry, model, version, pointing);
      }),
    ),
  };
}

/** A damaged manifest must not hide the other versions. */
async function describeVersion(
  registry: Registry,
  model: string,
  version: number,
  aliases: readonly string[],
): Promise<ListedVersion | BrokenVersion> {
  try {
    const manifest = await registry.manifest(model, version);
    const { createdAt, recipe, dataSet } = manifest;
    const accuracy = accuracyOf(manifest);
    return { version, createdAt, recipe: recipe.name, accuracy, pictures: dataSet.pictures.length, aliases };
  } catch (error) {
    return { version, aliases, error: error instanceof Error ? error.message : String(error) };
  }
}

/** The accuracy in a version's metrics, or null where none was measured. */
export function accuracyOf({ metrics }: Pick<Manifest, 'metrics'>): number | null {
  const { accuracy } = metrics;
  return typeof accuracy === 'number' ? accuracy : null;
}

function print({ terminal, registryUri }: Context, models: readonly ListedModel[]): void {
  if (models.length === 0) {
    return terminal.print(
      `There is no model in ${JSON.stringify(registryUri)} yet. Train one: kindred train FOLDER`,
    );
  }
  const rows = models.flatMap(({ model, versions }) =>
    versions.map((each) => {
      const start = [model, String(each.version), each.aliases.join(', ')];
      if ('error' in each) return [...start, `damaged: ${each.error}`];
      const accuracy = each.accuracy === null ? '-' : percent(each.accuracy);
      return [...start, each.recipe, accuracy, count(each.pictures), moment(each.createdAt)];
    }),
  );
  const columns = [
    { title: 'MODEL' },
    { title: 'VERSION', align: 'right' as const },
    { title: 'ALIASES' },
    { title: 'RECIPE' },
    { title: 'ACCURACY', align: 'right' as const },
    { title: 'PICTURES', align: 'right' as const },
    { title: 'MADE (UTC)' },
  ];
  terminal.print(table(columns, rows).trimEnd());
}
