/** Usage: compact STORE MODEL VERSION AT_LEAST GRACE_MS: compacts again and again, and says after each round what it did. */
import { setTimeout as sleep } from 'node:timers/promises';
import { compactGallery } from '../../../../core/registry/compaction.ts';
import { openStore } from '../../../../core/storage/open.ts';
import { ready } from '../../storage/programs.ts';

const [uri = '', model = '', version = '', atLeast = '', graceMs = ''] = process.argv.slice(2);
const store = openStore(uri);
await ready();
for (;;) {
  const options = { atLeast: Number(atLeast), graceMs: Number(graceMs) };
  const { compacted, removed } = await compactGallery(store, { model, version: Number(version) }, options);
  console.log(`${compacted} ${removed}`);
  await sleep(20);
}
