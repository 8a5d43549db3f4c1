/** Usage: use-entry ENTRY: uses an entry of the feature cache until it is killed. */
import { useEntry } from '../../../../core/training/feature-cache.ts';

if ((await useEntry(process.argv[2] ?? '')) !== null) console.log('used');
setInterval(() => undefined, 1000);
