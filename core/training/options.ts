/** Options of recipes, losses and miners: how they are checked, and how what a recipe chooses brings its own. */
import { z } from 'zod';
import { InvalidInputError } from '../errors.ts';

/** The recipe's own option of this name serves all its components, in place of one for each. */
const SHARED = 'margin';

/** A margin in units of the distance. */
export const margin = z
  .number()
  .nonnegative()
  .describe('how much farther than the positive a negative should be');

/** The options with defaults filled in. @throws InvalidInputError that names the wrong or unknown option and those there are */
export function parseOptions<S extends z.ZodType>(schema: S, options: unknown, of: string): z.output<S> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    `The options of ${of} are not valid: ${JSON.stringify(options)}\n${z.prettifyError(parsed.error)}\n` +
      `There are: ${Object.keys(optionSchemas(schema)).join(', ')}.`,
    { cause: parsed.error },
  );
}

/** The JSON Schema of one option, as far as it is used here. */
export interface OptionSchema {
  readonly type?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: OptionSchema;
}

/** Options as JSON Schema, as they are given: what has a default need not be. */
export function optionsAsJsonSchema(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    override({ jsonSchema }) {
      // The bounds that every integer has say nothing.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
}

/** Each option by its name. */
export function optionSchemas(schema: z.ZodType): Readonly<Record<string, OptionSchema>> {
  return (optionsAsJsonSchema(schema).properties ?? {}) as Record<string, OptionSchema>;
}

/** What a recipe chooses from a table by one of its options: a loss, a miner. */
export interface Component {
  readonly name: string;
  readonly options: z.ZodObject;
}
type Table = Readonly<Record<string, Component>>;
type Given = Readonly<Record<string, unknown>>;

/** The names in a table, as an option's schema. */
export function nameIn<T extends Readonly<Record<string, object>>>(table: T) {
  return z.enum(Object.keys(table) as [keyof T & string, ...(keyof T & string)[]]);
}

/**
 * A recipe's options, with those of everything it can choose: a loss that is added to its table brings `<loss>.<option>` along.
 * Only options of chosen components may be given; in the output these are all there, with their defaults.
 * @param own the recipe's own options; of each table, one has the name of the chosen component
 * @param tables by the name of the option that chooses
 */
export function withComponents<S extends z.ZodRawShape>(own: S, tables: Readonly<Record<string, Table>>) {
  const components = Object.entries(tables).flatMap(([choice, table]) =>
    Object.values(table).map((component) => ({ choice, component })),
  );
  const added = components.flatMap(({ component }) =>
    keysOf(component).map(([key, schema]) => [key, withoutDefault(schema)] as const),
  );
  return z.strictObject({ ...own, ...Object.fromEntries(added) }).transform((options, context) => {
    const given: Given = options;
    const refuse = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message, input: given });
    const filled = components.flatMap(({ choice, component }) => {
      if (given[choice] === component.name) return filledOptions(component, given, refuse);
      for (const [key] of keysOf(component).filter(([each]) => given[each] !== undefined))
        refuse(
          [key],
          `belongs to the ${choice} ${component.name}, and the ${choice} is ${String(given[choice])}`,
        );
      return [];
    });
    const owned = Object.keys(own).map((name) => [name, given[name]]);
    return Object.fromEntries([...owned, ...filled]) as z.output<z.ZodObject<S>> & Given;
  });
}

/** The options of a component among those of the recipe that has chosen it. */
export function componentOptions({ name, options }: Component, given: Given): Record<string, unknown> {
  const own = Object.keys(options.shape).map((key) => [key, given[key === SHARED ? key : `${name}.${key}`]]);
  return Object.fromEntries(own.filter(([, value]) => value !== undefined)) as Record<string, unknown>;
}

/** A component's options as they are called among those of the recipe. */
function keysOf({ name, options }: Component): [key: string, schema: z.ZodType][] {
  const own = Object.entries(options.shape).filter(([option]) => option !== SHARED);
  return own.map(([option, schema]) => [`${name}.${option}`, schema as z.ZodType]);
}

/** The chosen component's options with defaults, as its own schema has them. */
function filledOptions(
  component: Component,
  given: Given,
  refuse: (path: PropertyKey[], message: string) => void,
): [key: string, value: unknown][] {
  const { name, options } = component;
  const parsed = options.safeParse(componentOptions(component, given));
  for (const { path, message } of parsed.error?.issues ?? [])
    refuse([`${name}.${String(path[0])}`, ...path.slice(1)], message);
  const { data = {} } = parsed;
  return keysOf(component).map(([key]) => [key, data[key.slice(name.length + 1)]]);
}

/** May be left out; that it has a default is only told. */
function withoutDefault(schema: z.ZodType): z.ZodType {
  if (!(schema instanceof z.ZodDefault)) return schema.optional();
  const { defaultValue } = schema.def;
  return (schema.unwrap() as z.ZodType).optional().meta({ ...schema.meta(), default: defaultValue });
}
