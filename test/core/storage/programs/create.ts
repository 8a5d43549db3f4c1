/** Usage: create FOLDER NAME: creates the key "prize" with this content if it is absent, and says who won. */
import { ConflictError } from '../../../../core/errors.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import { ready } from '../programs.ts';

const [folder = '', name = ''] = process.argv.slice(2);
await ready();
try {
  await fsStore(folder).put('a/b/prize', Buffer.from(name), { ifAbsent: true });
  console.log('won');
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  console.log('lost');
}
