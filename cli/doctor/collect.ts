import { fileURLToPath } from 'node:url';
import type { ObjectStore } from '../../core/storage/store.ts';
import { caches } from './caches.ts';
import { engine } from './engine.ts';
import { machine } from './machine.ts';
import { network } from './network.ts';
import { registry } from './registry.ts';
import { reportOf } from './report.ts';
import type { DoctorReport } from './report.ts';
import { versions } from './versions.ts';

/** Looks at everything, all at once. */
export async function examine(wanted: {
  readonly cache: string;
  readonly registryUri: string;
  readonly openStore: (uri: string) => Promise<ObjectStore>;
  /** Also whether package registries are reached. */
  readonly network: boolean;
}): Promise<DoctorReport> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const sections = await Promise.all([
    versions(root),
    engine(root),
    machine(wanted.cache),
    caches(wanted.cache, root),
    registry(wanted.registryUri, wanted.openStore),
    ...(wanted.network ? [network()] : []),
  ]);
  return reportOf(sections);
}
