/** Usage: publish STORE BYTES [JOB]: publishes a version of "cats" with two files of that size and prints its number. */
import { openRegistry } from '../../../../core/registry/registry.ts';
import { openStore } from '../../../../core/storage/open.ts';
import { ready } from '../../storage/programs.ts';
import { draft } from '../support.ts';

const [uri = '', bytes = '', job] = process.argv.slice(2);
const file = Buffer.alloc(Number(bytes), 7);
await ready();
const files = { 'embedding.onnx': file, 'network/weights': file };
const manifest = await openRegistry(openStore(uri)).publish(
  'cats',
  draft({ files, ...(job ? { job } : {}) }),
);
console.log(manifest.version);
