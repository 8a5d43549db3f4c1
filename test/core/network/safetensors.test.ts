import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { CorruptDataError, InvalidInputError } from '../../../core/errors.ts';
import { SafetensorsFile, writeSafetensors } from '../../../core/network/safetensors.ts';
import type { ArraySource } from '../../../core/network/safetensors.ts';
import { normals } from '../../support/numbers.ts';
import { runPython } from '../../support/python.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-safetensors-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let serial = 0;
const fresh = (): string => path.join(folder, `${++serial}.safetensors`);

const source = (name: string, shape: readonly number[], ...pieces: Float32Array[]): ArraySource => ({
  name,
  shape,
  pieces: () => pieces,
});

const kernel = normals(12, 1);
const arrays = [
  source('kernel', [4, 3], kernel.subarray(0, 3), kernel.subarray(3)),
  source('größe/β', [2], Float32Array.of(-0, 1e-38)),
  source('scalar', [], Float32Array.of(7)),
  source('nothing', [0, 5]),
];

/** A file with this header and so many bytes of numbers. */
function forged(header: unknown, bytes: number, length?: number | bigint): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(length ?? json.length));
  const file = fresh();
  writeFileSync(file, Buffer.concat([start, json, Buffer.alloc(bytes)]));
  return file;
}

const entry = (start: number, end: number, shape = [(end - start) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

describe('a weight file', () => {
  it('gives back what was written, whole or by rows', async () => {
    const file = fresh();
    await writeSafetensors(file, arrays, { made: 'by a test' });
    const read = new SafetensorsFile(file);
    assert.deepEqual(read.metadata, { made: 'by a test' });
    assert.deepEqual(read.names(), ['kernel', 'größe/β', 'scalar', 'nothing']);
    assert.deepEqual(read.shape('kernel'), [4, 3]);
    assert.deepEqual(read.read('kernel'), kernel);
    assert.deepEqual(read.read('kernel', 1, 2), kernel.slice(3, 9));
    assert.deepEqual(read.read('kernel', 3), kernel.slice(9));
    assert.deepEqual(read.read('größe/β'), Float32Array.of(-0, Math.fround(1e-38)));
    assert.deepEqual(read.read('scalar'), Float32Array.of(7));
    assert.deepEqual(read.read('nothing'), new Float32Array());
    assert.equal(read.has('bias'), false);
    assert.throws(() => read.read('bias'), CorruptDataError);
    read.close();
  });

  it('has its numbers at a multiple of 64 bytes', async () => {
    for (const name of ['a', 'a name of another length', 'x'.repeat(100)]) {
      const file = fresh();
      await writeSafetensors(file, [source(name, [1], Float32Array.of(1))]);
      assert.equal((8 + Number(readFileSync(file).readBigUInt64LE())) % 64, 0);
    }
  });

  it('is not written over', async () => {
    const file = fresh();
    await writeSafetensors(file, arrays);
    await assert.rejects(writeSafetensors(file, []), { code: 'EEXIST' });
  });

  it('is refused when a source gives more or less than its shape', async () => {
    for (const count of [5, 7]) {
      const wrong = source('wrong', [2, 3], new Float32Array(count));
      await assert.rejects(
        writeSafetensors(fresh(), [wrong]),
        (error: unknown) => error instanceof InvalidInputError && error.message.includes("'wrong'"),
      );
    }
  });

  it('is read by the safetensors package of others', async () => {
    const file = fresh();
    await writeSafetensors(file, arrays, { made: 'here' });
    const script = `
import sys, json, struct, safetensors
data = open(sys.argv[1], 'rb').read()
made = {name: [t['shape'], t['dtype'], list(struct.unpack('<%df' % (len(t['data']) // 4), bytes(t['data'])))] for name, t in safetensors.deserialize(data)}
print(json.dumps(made))`;
    const made = JSON.parse(await runPython(script, [file])) as Record<string, [number[], string, number[]]>;
    assert.deepEqual(new Set(Object.keys(made)), new Set(arrays.map(({ name }) => name)));
    assert.deepEqual(made['kernel'], [[4, 3], 'F32', [...kernel]]);
    assert.deepEqual(made['größe/β']?.[2], [-0, Math.fround(1e-38)]);
    assert.deepEqual(made['scalar'], [[], 'F32', [7]]);
    assert.deepEqual(made['nothing'], [[0, 5], 'F32', []]);
  });

  it('made by the safetensors package of others is read', async () => {
    const file = fresh();
    const script = `
import sys, struct, safetensors
pack = lambda *x: struct.pack('<%df' % len(x), *x)
array = lambda shape, *x: {'dtype': 'float32', 'shape': shape, 'data': pack(*x)}
open(sys.argv[1], 'wb').write(safetensors.serialize({'b': array([2, 2], 1, 2, 3, 4), 'a': array([1], 0.5)}, {'who': 'python'}))`;
    await runPython(script, [file]);
    const read = new SafetensorsFile(file);
    assert.deepEqual(read.read('b'), Float32Array.of(1, 2, 3, 4));
    assert.deepEqual(read.read('a'), Float32Array.of(0.5));
    assert.deepEqual(read.metadata, { who: 'python' });
    read.close();
  });
});

describe('a file that is no sound weight file', () => {
  const whole = { a: entry(0, 8), b: entry(8, 20) };
  const cases: Record<string, () => string> = {
    'is empty': () => forged('', 0, 0),
    'has less than a length': () => {
      const file = fresh();
      writeFileSync(file, Buffer.from([1, 2, 3]));
      return file;
    },
    'is a picture': () => {
      const file = fresh();
      writeFileSync(file, Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
      return file;
    },
    'names a header beyond its end': () => forged(whole, 20, 1000),
    'names a header shorter than it is': () => forged(whole, 20, 10),
    'names a header of 2^63 bytes': () => forged(whole, 20, 2n ** 63n),
    'names a header of 100 MB in a sparse file': () => forged(whole, 100, 100_000_000n),
    'has no JSON': () => forged('{"a": ', 0),
    'has a list for a header': () => forged([1, 2], 0),
    'has null for a header': () => forged('null', 0),
    'is cut short': () => forged(whole, 19),
    'is longer than its arrays': () => forged(whole, 24),
    'has an array beyond its end': () => forged({ a: entry(0, 8), b: entry(8, 800) }, 20),
    'has a negative offset': () => forged({ a: entry(-4, 4) }, 8),
    'has offsets in the wrong order': () =>
      forged({ a: { dtype: 'F32', shape: [2], data_offsets: [8, 0] } }, 8),
    'has offsets that are no whole numbers': () =>
      forged({ a: { dtype: 'F32', shape: [1], data_offsets: [0.5, 4.5] } }, 8),
    'has arrays that overlap': () => forged({ a: entry(0, 12), b: entry(8, 20) }, 20),
    'has two arrays in one place': () => forged({ a: entry(0, 20), b: entry(0, 20) }, 20),
    'has a hole between arrays': () => forged({ a: entry(0, 8), b: entry(12, 20) }, 20),
    'has numbers of 16 bits': () => forged({ a: entry(0, 8, [4], 'F16') }, 8),
    'has numbers of 64 bits': () => forged({ a: entry(0, 8, [1], 'F64') }, 8),
    'has a shape that its bytes do not match': () => forged({ a: entry(0, 8, [3]) }, 8),
    'has a negative size in a shape': () => forged({ a: entry(0, 8, [-2, -1]) }, 8),
    'has a shape beyond all numbers': () => forged({ a: entry(0, 8, [2 ** 52, 2 ** 52, 2 ** 52]) }, 8),
    'has metadata that is no text': () => forged({ __metadata__: { a: 1 }, ...whole }, 20),
  };
  for (const [name, make] of Object.entries(cases)) {
    it(`is refused by name when it ${name}`, () => {
      const file = make();
      assert.throws(
        () => new SafetensorsFile(file).close(),
        (error: unknown) => error instanceof CorruptDataError && error.message.includes(file),
      );
    });
  }
});
