/** Usage: compact STORE MODEL AT_LEAST: compacts again and again, and says after each round what it did. */
import { setTimeout as sleep } from 'node:timers/promises';
import { compactGallery } from '../../../../core/registry/compaction.ts';
import { openStore } from '../../../../core/storage/open.ts';
import { ready } from '../../storage/programs.ts';

const [uri = '', model = '', atLeast = ''] = process.argv.slice(2);
const store = openStore(uri);
await ready();
for (;;) {
  const { compacted, removed } = await compactGallery(store, model, { atLeast: Number(atLeast) });
  console.log(`${compacted} ${removed}`);
  await sleep(20);
}
