/** Usage: put FOLDER BYTES: puts one object of that size and prints what went wrong, if anything. */
import { fsStore } from '../../../../core/storage/fs.ts';

const [folder = '', bytes = ''] = process.argv.slice(2);
try {
  await fsStore(folder).put('a/b', Buffer.alloc(Number(bytes)));
  console.log('stored');
} catch (error) {
  console.log(String(error));
}
