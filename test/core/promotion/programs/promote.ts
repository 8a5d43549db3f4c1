/**
 * Usage: promote FOLDER VERSION [WHERE TIMES]: promotes a version of "colours" in place of version 1, without comparing it, and says how that ended; stops for good
 * before an operation on the store whose "operation key" fits WHERE, at the TIMES-th such one.
 */
import { ConflictError } from '../../../../core/errors.ts';
import { promote } from '../../../../core/promotion/promote.ts';
import { openRegistry } from '../../../../core/registry/registry.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import { stoppingAt } from '../../registry/support.ts';
import { ready } from '../../storage/programs.ts';

const [folder = '', version = '', where = '', times = '1'] = process.argv.slice(2);
const store = fsStore(folder);
const registry = openRegistry(where === '' ? store : stoppingAt(store, new RegExp(where), Number(times)));
await ready();
try {
  const { promoted } = await promote(
    registry,
    {
      model: 'colours',
      alias: 'production',
      version: Number(version),
      expected: 1,
      by: version,
      why: 'a race',
      gate: null,
      force: false,
    },
    { report: () => undefined, signal: undefined },
  );
  console.log(promoted ? 'promoted' : 'refused');
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  console.log('conflict');
}
