/** Usage: increment STORE TIMES: adds one to the counter that often, by compare-and-swap. */
import { ConflictError } from '../../../../core/errors.ts';
import { openStore } from '../../../../core/storage/open.ts';
import { ready } from '../programs.ts';

const [uri = '', times = ''] = process.argv.slice(2);
const store = openStore(uri);
await ready();
for (let done = 0; done < Number(times);) {
  const found = await store.get('counter.json');
  if (found === null) throw new Error('the counter is missing');
  const { count }: { count: number } = JSON.parse(Buffer.from(found.bytes).toString());
  try {
    await store.put('counter.json', Buffer.from(JSON.stringify({ count: count + 1 })), {
      ifMatch: found.etag,
    });
    done++;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}
