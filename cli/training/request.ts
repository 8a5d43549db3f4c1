import path from 'node:path';
import type { TrainingRequest } from '../../core/pipeline/request.ts';
import type { Recipe } from '../../core/training/recipe.ts';
import type { Context } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { findDataSet } from '../pictures/data-set.ts';
import { asUsage } from '../usage.ts';
import { checkedOptions, typedOptions } from './options.ts';
import type { DirectFlags } from './options.ts';
import type { Wanted } from './resume.ts';

export interface TrainFlags extends CommonFlags, DirectFlags {
  readonly test?: string;
  readonly holdOut?: number;
  readonly falseRejection?: number;
  readonly falseAcceptance?: number;
  readonly recipe?: string;
  readonly promote: boolean;
  readonly force?: boolean;
  readonly tolerance?: number;
  readonly check?: boolean;
  readonly resume?: string | boolean;
  readonly best?: boolean;
}

const HOLD_OUT = 0.2;
/** Names of folders that say what the pictures are for, not what they show. */
const PURPOSES = new Set(['train', 'training', 'images', 'pictures', 'data', 'dataset']);

/** The recipe of that name. @throws UsageError listing the recipes there are */
export async function chosenRecipe(name: string | undefined): Promise<Recipe> {
  const { DEFAULT_RECIPE, recipeNamed } = await import('../../core/training/recipes/index.ts');
  return asUsage(() => recipeNamed(name ?? DEFAULT_RECIPE));
}

/** A whole request, everything checked that can be before the pictures are looked at. */
export async function newRequest(
  context: Context,
  dataSet: string,
  flags: TrainFlags,
  promote: boolean,
): Promise<TrainingRequest> {
  const recipe = await chosenRecipe(flags.recipe);
  const options = checkedOptions(recipe, typedOptions(flags));
  const place = await findDataSet(context, dataSet);
  const { checkName, nameLike } = await import('../../core/registry/names.ts');
  const model = flags.model ?? nameLike(subjectOf(place.id));
  asUsage(() => checkName(model, 'model'));
  return {
    dataSet: place.id,
    testSet: flags.test === undefined ? null : (await findDataSet(context, flags.test)).id,
    holdOut: flags.test === undefined ? (flags.holdOut ?? HOLD_OUT) : 0,
    model,
    recipe: recipe.name,
    options,
    seed: flags.seed ?? 0,
    promote,
    ...ratesOf(flags),
    ...gateOf(flags),
  };
}

/** Only what was typed. */
export async function wantedOf(
  context: Context,
  dataSet: string | undefined,
  flags: TrainFlags,
  promote: boolean | undefined,
): Promise<Wanted> {
  const wanted: Record<string, unknown> = {
    dataSet: dataSet === undefined ? undefined : (await findDataSet(context, dataSet)).id,
    testSet: flags.test === undefined ? undefined : (await findDataSet(context, flags.test)).id,
    holdOut: flags.holdOut,
    model: flags.model,
    recipe: flags.recipe,
    seed: flags.seed,
    promote,
    ...ratesOf(flags),
    ...gateOf(flags),
    options: typedOptions(flags),
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

/** When the version may go live, where that was said. */
function gateOf({ force, tolerance }: TrainFlags): Pick<TrainFlags, 'force' | 'tolerance'> {
  return { ...(force !== undefined && { force }), ...(tolerance !== undefined && { tolerance }) };
}

/** What the operating points are to aim at, where that was said. */
function ratesOf({
  falseRejection,
  falseAcceptance,
}: TrainFlags): Pick<TrainFlags, 'falseRejection' | 'falseAcceptance'> {
  return {
    ...(falseRejection !== undefined && { falseRejection }),
    ...(falseAcceptance !== undefined && { falseAcceptance }),
  };
}

/** What pictures show, by where they lie: "/a/My Clothes/train" gives "My Clothes". */
function subjectOf(id: string): string {
  const parts = id.split(path.sep).filter((part) => part !== '' && !PURPOSES.has(part.toLowerCase()));
  return parts.at(-1) ?? '';
}
