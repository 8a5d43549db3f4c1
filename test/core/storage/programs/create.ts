/** Usage: create STORE NAME: creates the key "prize" with this content if it is absent, and says who won. */
import { ConflictError } from '../../../../core/errors.ts';
import { openStore } from '../../../../core/storage/open.ts';
import { ready } from '../programs.ts';

const [uri = '', name = ''] = process.argv.slice(2);
await ready();
try {
  await openStore(uri).put('a/b/prize', Buffer.from(name), { ifAbsent: true });
  console.log('won');
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  console.log('lost');
}
