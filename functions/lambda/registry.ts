import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { LocalCopies } from '../../core/storage/local-copies.ts';
import { s3Store } from '../../core/storage/s3.ts';
import type { IngestEnvironment } from '../environment.ts';

/** The registry in S3, with model files kept in the function's own storage, which outlives a process that has failed. */
export function registryOf(environment: IngestEnvironment, onTrouble: (error: unknown) => void): Registry {
  const { KINDRED_S3_PATH_STYLE: pathStyle } = environment;
  const store = s3Store(
    environment.KINDRED_REGISTRY,
    pathStyle === undefined ? {} : { pathStyle: pathStyle === '1' },
  );
  const copies = new LocalCopies({
    folder: environment.KINDRED_CACHE,
    most: environment.KINDRED_CACHE_BYTES,
    onTrouble,
  });
  return openRegistry(store, { copies });
}
