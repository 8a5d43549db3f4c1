/** Embeds one picture, has another one embedded without waiting when told so, and ends without disposing of anything. */
import { onnxEmbedder } from '../../../../core/embedding/onnx.ts';

const [file = '', size = '', how] = process.argv.slice(2);
const side = Number(size);
const embedder = await onnxEmbedder(file);
const picture = { width: side, height: side, data: new Uint8Array(side * side * 3) };
const embedding = await embedder.embed([picture]);
process.stdout.write(`${embedding.length}\n`);
if (how === 'exit') {
  void embedder.embed([picture]);
  process.exit(0);
}
