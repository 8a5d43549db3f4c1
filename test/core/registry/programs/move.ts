/** Usage: move FOLDER VERSION [EXPECTED]: moves "production" of "cats", by the version as a name, and says how it went. */
import { ConflictError } from '../../../../core/errors.ts';
import { openRegistry } from '../../../../core/registry/registry.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import { ready } from '../../storage/programs.ts';

const [folder = '', version = '', expected] = process.argv.slice(2);
const registry = openRegistry(fsStore(folder));
await ready();
try {
  const options = { by: version, why: 'a race', ...(expected ? { expected: Number(expected) } : {}) };
  await registry.move('cats', 'production', Number(version), options);
  console.log('moved');
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  console.log('conflict');
}
