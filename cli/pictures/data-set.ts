import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidInputError, NotFoundError } from '../../core/errors.ts';
import type { DataSet } from '../../core/images/dataset.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import type { Context } from '../context.ts';
import { counted } from '../output/format.ts';
import { progressOn } from '../output/progress.ts';

/** Where a data set that was named on the command line lies. */
export interface DataSetPlace {
  /** What finds it again from any folder: the folder's absolute path, its address, or its name in the registry. */
  readonly id: string;
  readonly store: ObjectStore;
  readonly prefix: string;
  /** For people: the folder's name, or its name in the registry. */
  readonly name: string;
}

const SHOWN_PROBLEMS = 10;

/**
 * Finds DATASET: an address `s3://bucket/prefix` or a folder with `<class>/<file>`, or else the name of a data set in the
 * registry. A folder comes first.
 * @throws NotFoundError naming the data sets there are; UsageError on an address that there cannot be
 */
export async function findDataSet(context: Context, given: string): Promise<DataSetPlace> {
  if (isAddress(given)) return placeAt(context, given);
  if (await stat(path.resolve(given)).catch(() => null)) return folderPlace(given);
  const registry = await context.registry();
  const names = await registry.dataSets();
  if (names.includes(given)) {
    return { id: given, store: registry.store, prefix: registry.dataSetPrefix(given), name: given };
  }
  const known = names.length === 0 ? 'The registry has no data set' : `The registry has ${names.join(', ')}`;
  throw new NotFoundError(
    `${JSON.stringify(given)} is neither a folder nor a data set in the registry ${JSON.stringify(context.registryUri)}. ` +
      `${known}; "kindred datasets add NAME FOLDER" puts one there.`,
  );
}

/** An address or a folder with `<class>/<file>`. @throws NotFoundError; InvalidInputError when it is a file */
export async function placeAt(context: Context, given: string): Promise<DataSetPlace> {
  if (!isAddress(given)) return folderPlace(given);
  const id = given.replace(/\/+$/, '');
  return { id, store: await context.openStore(id), prefix: '', name: path.posix.basename(id) };
}

function isAddress(given: string): boolean {
  return /^s3:\/\//i.test(given);
}

async function folderPlace(given: string): Promise<DataSetPlace> {
  const folder = path.resolve(given);
  const found = await stat(folder).catch(() => null);
  if (found === null) throw new NotFoundError(`There is no folder ${JSON.stringify(given)}.`);
  if (!found.isDirectory()) {
    throw new InvalidInputError(
      `${JSON.stringify(given)} is a file; a data set is a folder with one folder a class and its pictures in it.`,
    );
  }
  const { fsStore } = await import('../../core/storage/fs.ts');
  return { id: folder, store: fsStore(folder), prefix: '', name: path.basename(folder) };
}

/** Finds again what {@link findDataSet} found, by its id. @throws NotFoundError when it is gone */
export async function dataSetOfId(context: Context, id: string): Promise<DataSetPlace> {
  if (isAddress(id) || path.isAbsolute(id)) return placeAt(context, id);
  const registry = await context.registry();
  return { id, store: registry.store, prefix: registry.dataSetPrefix(id), name: id };
}

/**
 * Scans the pictures; what is wrong with some of them is told on stderr.
 * @param anyClasses also a single class will do
 * @param anySpelling a class may be there in two spellings of Unicode
 * @throws as `openDataSet` does
 */
export async function scanDataSet(
  context: Context,
  place: DataSetPlace,
  {
    anyClasses = false,
    anySpelling = false,
  }: { readonly anyClasses?: boolean; readonly anySpelling?: boolean } = {},
): Promise<DataSet> {
  const { openDataSet } = await import('../../core/images/open-dataset.ts');
  const progress = progressOn(context.terminal, `pictures of ${place.name}`);
  try {
    const dataSet = await openDataSet(place.store, place.prefix, {
      name: place.name,
      fewestClasses: anyClasses ? 1 : 2,
      anySpelling,
      onProgress: ({ done, total }) => progress.update(done, total),
    });
    tellProblems(context, dataSet);
    return dataSet;
  } finally {
    progress.end();
  }
}

/** Makes the command fail when a picture of a scanned data set could not be used; the rest was. */
export function failForUnused({ problems }: Pick<DataSet, 'problems'>): void {
  if (problems.some(({ kind }) => !kind.startsWith('duplicate'))) process.exitCode = 1;
}

/** Names the first problems and counts the rest. */
export function tellProblems(
  { terminal }: Context,
  { name, problems }: Pick<DataSet, 'name' | 'problems'>,
): void {
  if (problems.length === 0) return;
  terminal.note(`${counted(problems.length, 'problem')} in ${JSON.stringify(name)}:`);
  for (const { key, reason } of problems.slice(0, SHOWN_PROBLEMS)) {
    terminal.note(`  ${JSON.stringify(key)}: ${reason}`);
  }
  if (problems.length > SHOWN_PROBLEMS) terminal.note(`  and ${problems.length - SHOWN_PROBLEMS} more`);
}
