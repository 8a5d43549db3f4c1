import { modelOf, node, tensor, valueInfo } from '../../core/network/onnx/model.ts';
import { command, lastLines } from '../../scripts/setup/command.mjs';

const PROGRAM = `
const { InferenceSession, Tensor, env } = require('onnxruntime-node');
env.logLevel = 'error';
InferenceSession.create(Buffer.from(process.argv[1], 'base64'))
  .then((session) => session.run({ a: new Tensor('float32', [1, 2, 3, 4], [2, 2]) }))
  .then(({ product }) => {
    if (String(product.data) !== '19,22,43,50') throw new Error('it multiplies wrongly: ' + product.data);
    process.stdout.write(JSON.stringify(env.versions.node));
  });`;

/** Loads ONNX Runtime in a process of its own and multiplies with it. @returns its version, or why it has none */
export async function onnxRuntime(root: string): Promise<{ version: string } | { failure: string }> {
  const model = Buffer.concat([...product().pieces()]).toString('base64');
  const { ok, stdout, output } = await command(process.execPath, ['-e', PROGRAM, model], { cwd: root });
  return ok ? { version: JSON.parse(stdout) as string } : { failure: lastLines(output, 12) };
}

/** `a` times a matrix. */
function product() {
  const matrix = new Uint8Array(Float32Array.of(5, 6, 7, 8).buffer);
  return modelOf(
    {
      nodes: [node('MatMul', ['a', 'b'], 'product', {})],
      initializers: [tensor('b', [2, 2], 'float32', { length: matrix.length, pieces: () => [matrix] })],
      inputs: [valueInfo('a', [2, 2])],
      output: valueInfo('product', [2, 2]),
    },
    {},
  );
}
