/** Usage: hold LOCKFILE: takes the lock and keeps it until it is killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../../../core/storage/fs/lock.ts';

await withLock(process.argv[2] ?? '', async () => {
  console.log('held');
  await sleep(600_000);
});
