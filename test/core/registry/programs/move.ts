/** Usage: move STORE VERSION [EXPECTED]: moves "production" of "cats", by the version as a name, and says how it went. */
import { ConflictError } from '../../../../core/errors.ts';
import { openRegistry } from '../../../../core/registry/registry.ts';
import { openStore } from '../../../../core/storage/open.ts';
import { ready } from '../../storage/programs.ts';

const [uri = '', version = '', expected] = process.argv.slice(2);
const registry = openRegistry(openStore(uri));
await ready();
try {
  const options = { by: version, why: 'a race', ...(expected ? { expected: Number(expected) } : {}) };
  await registry.move('cats', 'production', Number(version), options);
  console.log('moved');
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  console.log('conflict');
}
