/**
 * ONNX Runtime as it comes, on a picture that is decoded already. Reads {"pictures", "times"} from stdin, a line each time, and says the
 * seconds of each run.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import ort from 'onnxruntime-node';

const [model = '', pixels = '', size = ''] = process.argv.slice(2);
const side = Number(size);
ort.env.logLevel = 'error';
const session = await ort.InferenceSession.create(model);
const one = new Float32Array(new Uint8Array(readFileSync(pixels)));

for await (const line of createInterface({ input: process.stdin })) {
  const { pictures, times } = JSON.parse(line);
  const batch = new Float32Array(pictures * one.length);
  for (let i = 0; i < pictures; i++) batch.set(one, i * one.length);
  const input = new ort.Tensor('float32', batch, [pictures, side, side, 3]);
  const seconds = [];
  for (let i = 0; i < times; i++) {
    const began = performance.now();
    await session.run({ pixels: input });
    seconds.push((performance.now() - began) / 1000);
  }
  process.stdout.write(`${JSON.stringify(seconds)}\n`);
}
