import { quote } from '../storage/keys.ts';
import type { ListedObject, ObjectStore } from '../storage/store.ts';
import type { DataSetProblem } from './dataset.ts';
import { placeOf } from './layout.ts';
import { litterFolderOf } from './litter.ts';

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
  const litter = new Map<string, number>();
  for await (const listed of store.list(prefix)) {
    const path = listed.key.slice(prefix.length);
    const place = placeOf(path);
    if (place === 'ignored') {
      const folder = litterFolderOf(path);
      if (folder !== null) litter.set(folder, (litter.get(folder) ?? 0) + 1);
      continue;
    }
    if (listed.problem) problems.push({ key: path, ...listed.problem });
    else if ('problem' in place) problems.push({ key: path, ...place.problem });
    else files.push({ ...listed, path, className: place.className });
  }
  return { files, problems: [...problems, ...summaryOf(litter)] };
}

/** One line for all folders of systems, however much lies in them. */
function summaryOf(litter: ReadonlyMap<string, number>): DataSetProblem[] {
  const [first] = litter.keys();
  if (first === undefined) return [];
  const total = [...litter.values()].reduce((sum, count) => sum + count, 0);
  const folders = [...litter].map(([name, count]) => `${quote(name)} (${count})`).join(', ');
  return [
    { key: first, kind: 'litter', reason: `${total} file(s) of storage systems are left out: ${folders}` },
  ];
}
