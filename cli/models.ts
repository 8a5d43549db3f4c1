import { NotFoundError } from '../core/errors.ts';
import type { Registry, Resolved } from '../core/registry/registry.ts';
import type { Context } from './context.ts';
import { UsageError, usageOf } from './usage.ts';

/**
 * Which version a command is about: what `reference` names, or else the only model's version in production.
 * @throws UsageError when the reference cannot be one, or none was given and there are several models
 */
export async function chosenVersion(context: Context, reference: string | undefined): Promise<Resolved> {
  const registry = await context.registry();
  return registry.resolve(await checkedReference(reference ?? (await onlyModel(context, registry))));
}

/** The model that is named, or the only one there is. @throws UsageError when one of its versions is named */
export async function chosenModel(context: Context, name: string | undefined): Promise<string> {
  const { DEFAULT_ALIAS, parseReference } = await import('../core/registry/names.ts');
  const reference = await checkedReference(name ?? (await onlyModel(context, await context.registry())));
  const parsed = parseReference(reference);
  if ('alias' in parsed && parsed.alias === DEFAULT_ALIAS) return parsed.model;
  throw new UsageError(`${reference} names a version; this is about the whole model: ${parsed.model}.`);
}

/** The alias that is meant: by --alias, by `NAME@ALIAS`, or "production". */
export async function chosenAlias(
  context: Context,
  reference: string | undefined,
  alias: string | undefined,
): Promise<{ model: string; alias: string }> {
  const { DEFAULT_ALIAS, parseReference } = await import('../core/registry/names.ts');
  const named = reference ?? (await onlyModel(context, await context.registry()));
  const parsed = parseReference(await checkedReference(named));
  if (!('alias' in parsed)) {
    throw new UsageError(
      `${named} names a version; this is about an alias: ${parsed.model} or ${parsed.model}@ALIAS.`,
    );
  }
  if (alias !== undefined && named.includes('@')) {
    throw new UsageError(`${named} names an alias already; leave --alias away.`);
  }
  return { model: parsed.model, alias: alias ?? (named.includes('@') ? parsed.alias : DEFAULT_ALIAS) };
}

/** The parts of `NAME@N`. @throws UsageError when no version is named by its number */
export async function numberedVersion(reference: string): Promise<{ model: string; version: number }> {
  const { parseReference } = await import('../core/registry/names.ts');
  const parsed = parseReference(await checkedReference(reference));
  if ('version' in parsed) return parsed;
  throw new UsageError(
    `Name the version by its number, such as ${parsed.model}@1. "kindred models list" shows the versions.`,
  );
}

/** The reference itself. @throws UsageError when it cannot be one */
export async function checkedReference(reference: string): Promise<string> {
  const { parseReference } = await import('../core/registry/names.ts');
  try {
    parseReference(reference);
    return reference;
  } catch (error) {
    throw usageOf(error);
  }
}

async function onlyModel(context: Context, registry: Registry): Promise<string> {
  const models = await registry.models();
  const [first] = models;
  if (first === undefined) {
    throw new NotFoundError(
      `There is no model in ${JSON.stringify(context.registryUri)} yet. Train one with "kindred train FOLDER", or name ` +
        `another registry with --registry.`,
    );
  }
  if (models.length === 1) return first;
  throw new UsageError(`There are several models: ${models.join(', ')}. Choose one with --model.`);
}
