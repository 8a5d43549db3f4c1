import { InvalidInputError } from '../errors.ts';
import type { Random } from '../random.ts';
import { dataSetOf, picturesByClass } from './dataset.ts';
import type { DataSet, Picture } from './dataset.ts';
import { groupByContent } from './duplicates.ts';

/** Pictures that training leaves at least to every class: an anchor and a positive. */
const KEPT_PER_CLASS = 2;

/**
 * Splits off a part to measure on: of each class the share `fraction`, rounded, but at least one picture; never so many
 * that fewer than two are left. A class of one or two pictures gives none, and a picture that is under several classes
 * stays in training under all of them, so that no picture is on both sides. Deterministic by the generator's state.
 * @param fraction in [0, 1); 0 holds out nothing
 * @returns `heldOut` has only the classes that gave a picture, perhaps none
 */
export function splitDataSet(
  dataSet: DataSet,
  fraction: number,
  random: Random,
): { training: DataSet; heldOut: DataSet } {
  if (!(fraction >= 0 && fraction < 1)) {
    throw new InvalidInputError(
      `The share to hold out is ${fraction}; it has to be from 0 to less than 1, such as 0.2.`,
    );
  }
  const contents = groupByContent(dataSet.pictures);
  const isAlone = ({ sha256 }: Picture): boolean => contents.get(sha256)?.length === 1;
  const heldOut = new Set<Picture>();
  for (const members of picturesByClass(dataSet).values()) {
    const candidates = random.shuffle(members.filter(isAlone));
    for (const picture of candidates.slice(0, share(members.length, fraction))) heldOut.add(picture);
  }
  const training = dataSet.pictures.filter((picture) => !heldOut.has(picture));
  return {
    training: dataSetOf(dataSet.name, training, dataSet.problems),
    heldOut: dataSetOf(dataSet.name, [...heldOut]),
  };
}

function share(count: number, fraction: number): number {
  if (fraction === 0) return 0;
  return Math.max(0, Math.min(Math.max(1, Math.round(count * fraction)), count - KEPT_PER_CLASS));
}
