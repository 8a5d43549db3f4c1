/** Usage: overwrite FOLDER BYTES: puts objects of one repeated byte under "large", another byte each time, for ever. */
import { fsStore } from '../../../../core/storage/fs.ts';

const [folder = '', bytes = ''] = process.argv.slice(2);
const store = fsStore(folder);
console.log('writing');
for (let round = 1; ; round++) await store.put('large', Buffer.alloc(Number(bytes), round & 255));
