import type { Embedder } from '../../core/embedding/embedder.ts';
import { embedPictures } from '../../core/embedding/embed-pictures.ts';
import { InvalidInputError } from '../../core/errors.ts';
import type { Labelled } from '../../core/gallery/gallery.ts';
import type { DataSet } from '../../core/images/dataset.ts';
import type { Context } from '../context.ts';
import { progressOn } from '../output/progress.ts';
import { findDataSet, scanDataSet, tellProblems } from './data-set.ts';

/** Labelled embeddings, and what picture each is of. */
export interface EmbeddedDataSet extends Labelled {
  readonly sha256: readonly string[];
}

/** The pictures of a data set, of one class or more, as embeddings. Those that cannot be used are told of and left out. */
export async function embedDataSet(
  context: Context,
  embedder: Embedder,
  given: string,
): Promise<EmbeddedDataSet> {
  return embedScanned(context, embedder, await scanAnyDataSet(context, given));
}

/** Finds and scans a data set of one class or more. */
export async function scanAnyDataSet(context: Context, given: string): Promise<DataSet> {
  return scanDataSet(context, await findDataSet(context, given), { anyClasses: true });
}

/** The same of a data set that was scanned already. */
export async function embedScanned(
  context: Context,
  embedder: Embedder,
  dataSet: Pick<DataSet, 'name' | 'pictures'>,
): Promise<EmbeddedDataSet> {
  const progress = progressOn(context.terminal, `embedding ${dataSet.name}`);
  const { pictures, embeddings, rejected } = await embedPictures(embedder, dataSet.pictures, {
    onProgress: progress.update,
  });
  progress.end();
  const problems = rejected.map(({ picture, reason }) => ({
    key: picture.key,
    kind: 'unreadable' as const,
    reason,
  }));
  tellProblems(context, { name: dataSet.name, problems });
  if (pictures.length === 0)
    throw new InvalidInputError(`No picture of ${JSON.stringify(dataSet.name)} can be decoded.`);
  return {
    dimensions: embedder.dimensions,
    keys: pictures.map(({ key }) => key),
    classes: pictures.map(({ className }) => className),
    embeddings,
    sha256: pictures.map(({ sha256 }) => sha256),
  };
}
