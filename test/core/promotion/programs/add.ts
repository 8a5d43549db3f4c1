/** Usage: add FOLDER COUNT: adds so many blue pictures, one after the other, to whatever version of "colours" is in production, and follows it. */
import { followAlias } from '../../../../core/promotion/follow-alias.ts';
import { openRegistry } from '../../../../core/registry/registry.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import { add, picture } from '../../registry/colours.ts';
import { ready } from '../../storage/programs.ts';

const [folder = '', count = ''] = process.argv.slice(2);
const registry = openRegistry(fsStore(folder));
await ready();
for (let n = 0; n < Number(count); n++) {
  const resolved = await registry.resolve('colours');
  const blue = await picture('blue', n);
  const id = await add(registry, resolved.version, [blue]);
  console.log(`${resolved.version} ${await followAlias(registry, resolved, id, [blue])}`);
}
