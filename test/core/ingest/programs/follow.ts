/**
 * Usage: follow STORE SEED COUNT: so many times says "changing KEY", puts that image into the dataset "colours" or takes it out, and ingests it.
 */
import { ingest } from '../../../../core/ingest/ingest.ts';
import { Random } from '../../../../core/random.ts';
import { openRegistry } from '../../../../core/registry/registry.ts';
import { openStore } from '../../../../core/storage/open.ts';
import { ready } from '../../storage/programs.ts';
import { embedding, put } from '../following.ts';

const [uri = '', seed = '', count = ''] = process.argv.slice(2);
const registry = openRegistry(openStore(uri));
const random = new Random(Number(seed));
const { embed, dispose } = embedding(registry);
await ready();
for (let i = 0; i < Number(count); i++) {
  const className = ['red', 'green', 'blue'][random.below(3)] ?? '';
  const file = `${random.below(4)}.png`;
  const key = `datasets/colours/${className}/${file}`;
  console.log(`changing ${key}`);
  if (random.float() < 0.3) await registry.store.delete(key);
  else await put(registry, className, random.below(20), file);
  await ingest(registry, [key], { embed });
}
dispose();
