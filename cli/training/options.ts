import type { z } from 'zod';
import { optionSchemas } from '../../core/training/options.ts';
import type { OptionSchema } from '../../core/training/options.ts';
import type { Recipe } from '../../core/training/recipe.ts';
import { UsageError } from '../usage.ts';

/** What is looked at of a recipe. */
type Takes = Pick<Recipe, 'name' | 'options'>;

type Value = string | number | boolean;

/** Options of a recipe as they were typed: 3 for "3", [1, 0.5] for "1,0.5". */
export type Options = Record<string, Value | Value[]>;

/** Flags that are a short form of `--option key=value`. */
export interface DirectFlags {
  readonly epochs?: string;
  readonly margin?: string;
  readonly batchSize?: string;
  readonly learningRate?: string;
  readonly miner?: string;
  /** `key=value`, any number of them. */
  readonly option?: readonly string[];
}

const DIRECT = ['epochs', 'margin', 'batchSize', 'learningRate', 'miner'] as const;

/** The options in the flags. @throws UsageError on a pair that is none, or an option that is given twice */
export function typedOptions(flags: DirectFlags): Options {
  const pairs = [
    ...DIRECT.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]] as const])),
    ...(flags.option ?? []).map(pairOf),
  ];
  const options: Options = {};
  for (const [key, text] of pairs) {
    if (Object.hasOwn(options, key)) throw new UsageError(`The option ${key} is given twice.`);
    Object.defineProperty(options, key, { value: valueOf(text), enumerable: true });
  }
  return options;
}

/** The options as the recipe takes them. @throws UsageError that says what is wrong, and lists all options */
export function checkedOptions(recipe: Takes, typed: Options): Options {
  const options = withLists(recipe, typed);
  const parsed = recipe.options.safeParse(options);
  if (parsed.success) return options;
  const problems = parsed.error.issues.map((issue) => problemOf(recipe, typed, issue)).join(' ');
  throw new UsageError(
    `${problems}\nThe recipe "${recipe.name}" has these options:\n${describeOptions(recipe)}`,
  );
}

/** One line an option: name, default, what is allowed, what it is. */
export function describeOptions(recipe: Takes): string {
  return Object.entries(optionSchemas(recipe.options))
    .map(([name, schema]) => `  ${name}=${schemaText(schema)}`)
    .join('\n');
}

/** A single value where the recipe takes a list is a list of one. */
function withLists(recipe: Takes, typed: Options): Options {
  const schemas = optionSchemas(recipe.options);
  const isLone = (name: string, value: Value | Value[]): boolean =>
    Object.hasOwn(schemas, name) && schemas[name]?.type === 'array' && !Array.isArray(value);
  return Object.fromEntries(
    Object.entries(typed).map(([name, value]) => [name, isLone(name, value) ? [value as Value] : value]),
  );
}

function schemaText(schema: OptionSchema): string {
  const { enum: names, minimum, exclusiveMinimum, maximum, description } = schema;
  const allowed = [
    names?.join(', ') ?? '',
    minimum === undefined ? '' : `from ${minimum}`,
    exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`,
    maximum === undefined ? '' : `to ${maximum}`,
  ].filter((part) => part !== '');
  const range = allowed.length === 0 ? '' : ` (${allowed.join(' ')})`;
  return `${String(schema.default)}${range}${description === undefined ? '' : `  ${description}`}`;
}

function problemOf(recipe: Takes, typed: Options, issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => JSON.stringify(key)).join(', ');
    return `The recipe "${recipe.name}" has no option ${names}.`;
  }
  const key = String(issue.path[0] ?? '');
  return `The option ${key} cannot be ${JSON.stringify(typed[key])}: ${issue.message}.`;
}

function pairOf(pair: string): readonly [string, string] {
  const at = pair.indexOf('=');
  if (at > 0) return [camelCase(pair.slice(0, at)), pair.slice(at + 1)];
  throw new UsageError(`--option ${JSON.stringify(pair)} is not KEY=VALUE, such as margin=0.2.`);
}

/** As options are spelt; what is before a dot is the name of a loss or a miner. */
const camelCase = (name: string): string =>
  name.replace(/-([a-z])(?=[^.]*$)/g, (_, letter: string) => letter.toUpperCase());

function valueOf(text: string): Value | Value[] {
  return text.includes(',') ? text.split(',').map(scalarOf) : scalarOf(text);
}

function scalarOf(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return text.trim() === '' || !Number.isFinite(number) ? text : number;
}
