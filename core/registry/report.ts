/** The file `report.html` of a version: everything that was found out about it, to be looked at. */
import { NotFoundError } from '../errors.ts';
import type { Registry, Resolved } from './registry.ts';

export const REPORT_FILE = 'report.html';

/** @throws NotFoundError for versions that were made before there was such a file; CorruptDataError */
export async function readReport(
  registry: Registry,
  { model, version }: Pick<Resolved, 'model' | 'version'>,
): Promise<Uint8Array> {
  const { files } = await registry.manifest(model, version);
  if (Object.hasOwn(files, REPORT_FILE)) return registry.file(model, version, REPORT_FILE);
  throw new NotFoundError(
    `${model}@${version} has no report: it was made by an earlier Kindred. Train it again to have one.`,
  );
}
