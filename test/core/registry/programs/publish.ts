/** Usage: publish FOLDER BYTES [JOB]: publishes a version of "cats" with two files of that size and prints its number. */
import { openRegistry } from '../../../../core/registry/registry.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import { ready } from '../../storage/programs.ts';
import { draft } from '../support.ts';

const [folder = '', bytes = '', job] = process.argv.slice(2);
const file = Buffer.alloc(Number(bytes), 7);
await ready();
const files = { 'embedding.onnx': file, 'network/weights': file };
const manifest = await openRegistry(fsStore(folder)).publish(
  'cats',
  draft({ files, ...(job ? { job } : {}) }),
);
console.log(manifest.version);
