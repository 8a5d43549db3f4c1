import { InvalidInputError } from '../errors.ts';
import type { Random } from '../random.ts';
import { dataSetOf, picturesByClass } from './dataset.ts';
import type { DataSet, Picture } from './dataset.ts';
import { groupByContent } from './duplicates.ts';
import { groupsByClass, groupsOf, takeGroups } from './same-picture.ts';
import type { SamePicture } from './same-picture.ts';

/** Pictures that training leaves at least to every class: an anchor and a positive. */
const KEPT_PER_CLASS = 2;

/**
 * Splits off a part to measure on: of each class the share `fraction`, rounded, but at least one picture; never so many
 * that fewer than two are left. A class of one or two pictures gives none. Files that show the same picture go to one
 * side together, and where they are under several classes, to training. Deterministic by the generator's state.
 * @param fraction in [0, 1); 0 holds out nothing
 * @param same files that show the same picture, besides those of the same bytes
 * @returns `heldOut` has only the classes that gave a picture, perhaps none
 */
export function splitDataSet(
  dataSet: DataSet,
  fraction: number,
  random: Random,
  same: readonly SamePicture[] = [],
): { training: DataSet; heldOut: DataSet } {
  if (!(fraction >= 0 && fraction < 1)) {
    throw new InvalidInputError(
      `The share to hold out is ${fraction}; it has to be from 0 to less than 1, such as 0.2.`,
    );
  }
  const { pictures } = dataSet;
  const groups = groupsByClass(
    pictures.map(({ className }) => className),
    groupsOf(pictures, [...ofSameBytes(pictures), ...same]),
  );
  const heldOut = new Set<Picture>();
  for (const [className, { length }] of picturesByClass(dataSet)) {
    const own = random.shuffle([...(groups.get(className) ?? [])]);
    for (const row of takeGroups(own, share(length, fraction), length - KEPT_PER_CLASS)) {
      heldOut.add(pictures[row] as Picture);
    }
  }
  const training = pictures.filter((picture) => !heldOut.has(picture));
  return {
    training: dataSetOf(dataSet.name, training, dataSet.problems),
    heldOut: dataSetOf(dataSet.name, [...heldOut]),
  };
}

function ofSameBytes(pictures: readonly Picture[]): SamePicture[] {
  return [...groupByContent(pictures).values()].flatMap(([first, ...others]) =>
    others.map((other): SamePicture => [first as Picture, other]),
  );
}

function share(count: number, fraction: number): number {
  if (fraction === 0) return 0;
  return Math.max(0, Math.min(Math.max(1, Math.round(count * fraction)), count - KEPT_PER_CLASS));
}
