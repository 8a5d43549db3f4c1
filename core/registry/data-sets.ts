import { ConflictError, InvalidInputError } from '../errors.ts';
import { placeOf } from '../images/layout.ts';
import { spellingsOf } from '../spelling.ts';
import { quote } from '../storage/keys.ts';
import { sha256 } from '../storage/local-file.ts';
import type { ObjectStore, PutCondition } from '../storage/store.ts';
import { requireDatasetNotDeleting } from './dataset-deletion.ts';
import { dataSetPrefix } from './layout.ts';
import { checkName, checkPart } from './names.ts';

export interface NewPicture {
  readonly className: string;
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Where the classes of the data set are: `<prefix><class>/<file>`. */
export function checkedDataSetPrefix(dataSet: string): string {
  checkName(dataSet, 'data set');
  return dataSetPrefix(dataSet);
}

/** The name that the class has in the data set: another spelling of it in Unicode, where there are pictures under that one; composed where it is new. */
export async function classIn(store: ObjectStore, dataSet: string, className: string): Promise<string> {
  const spellings = spellingsOf(className);
  if (spellings.length === 1) return className;
  const prefix = checkedDataSetPrefix(dataSet);
  for (const spelling of spellings) {
    for await (const { problem } of store.list(`${prefix}${spelling}/`)) if (!problem) return spelling;
  }
  return className.normalize('NFC');
}

/**
 * Puts a picture under a class; the same bytes under the same name again are not an error.
 * @returns its key, and whether anything was written
 * @param options.replace also in place of other bytes; only of those with an etag, where one is given
 * @throws ConflictError when other bytes are there that are not to be replaced, or none in place of those with the etag;
 *   while the dataset is being deleted
 */
export async function addToDataSet(
  store: ObjectStore,
  dataSet: string,
  { className, file, bytes }: NewPicture,
  { replace = false }: { readonly replace?: boolean | { readonly etag: string } } = {},
): Promise<{ key: string; written: boolean }> {
  checkPlace(className, file);
  const key = `${checkedDataSetPrefix(dataSet)}${await classIn(store, dataSet, className)}/${file}`;
  const [there] = await Promise.all([isThere(store, key, bytes), requireDatasetNotDeleting(store, dataSet)]);
  if (there) return { key, written: false };
  try {
    await store.put(key, bytes, conditionOf(replace));
    return { key, written: true };
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    if (await isThere(store, key, bytes)) return { key, written: false };
    throw new ConflictError(
      replace === false
        ? `The data set "${dataSet}" has another picture ${quote(`${className}/${file}`)}; it was kept. ` +
            `Give the new one another name, or replace the old one on purpose.`
        : `What the data set "${dataSet}" had as ${quote(`${className}/${file}`)} was replaced or removed meanwhile; nothing was written.`,
      { cause: error },
    );
  }
}

function conditionOf(replace: boolean | { readonly etag: string }): PutCondition | undefined {
  if (typeof replace === 'object') return { ifMatch: replace.etag };
  return replace ? undefined : { ifAbsent: true };
}

/**
 * Throws unless a picture of that name under that class would be one of the data set.
 * @throws InvalidInputError also for names that are passed over wherever a data set is read
 */
export function checkPlace(className: string, file: string): void {
  checkPart(className, 'class');
  checkPart(file, 'file name');
  if (placeOf(`${className}/${file}`) !== 'ignored') return;
  throw new InvalidInputError(
    `${quote(`${className}/${file}`)} would be passed over: names that begin with "." and those that operating systems leave behind ` +
      `("Thumbs.db") are no pictures. Give it another name.`,
  );
}

async function isThere(store: ObjectStore, key: string, bytes: Uint8Array): Promise<boolean> {
  const found = await store.get(key);
  return found !== null && found.bytes.length === bytes.length && sha256(found.bytes) === sha256(bytes);
}
