import type { ListedObject, ObjectStore } from '../storage/store.ts';
import type { DataSetProblem } from './dataset.ts';
import { placeOf } from './layout.ts';

/** A file in a class's folder, not looked into. */
export interface DataSetFile extends ListedObject {
  /** The key without the data set's prefix: `<class>/<file>`. */
  readonly path: string;
  readonly className: string;
}

/**
 * What lies under `<prefix><class>/<file>`, and what lies there without being one.
 * @param prefix '' or a folder's key, ending in "/"
 */
export async function listDataSet(
  store: ObjectStore,
  prefix: string,
): Promise<{ files: DataSetFile[]; problems: DataSetProblem[] }> {
  const files: DataSetFile[] = [];
  const problems: DataSetProblem[] = [];
  for await (const listed of store.list(prefix)) {
    const path = listed.key.slice(prefix.length);
    const place = placeOf(path);
    if (place === 'ignored') continue;
    if (listed.problem) problems.push({ key: path, ...listed.problem });
    else if ('problem' in place) problems.push({ key: path, ...place.problem });
    else files.push({ ...listed, path, className: place.className });
  }
  return { files, problems };
}
