import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { onnxEmbedder } from '../../../core/embedding/onnx.ts';
import { CorruptDataError } from '../../../core/errors.ts';
import { writeOnnx } from '../../../core/network/onnx/write.ts';
import { openNetwork } from '../../../core/network/saved-network.ts';
import { embedderContract, preprocessing, savedSmallNetwork } from './contract.ts';

/** Writes the model of the network in the folder beside it. */
function written(folder: string): string {
  const file = path.join(mkdtempSync(path.join(folder, 'onnx-')), 'embedding.onnx');
  writeOnnx(file, openNetwork(folder), 'float32');
  return file;
}

embedderContract('onnxruntime', async (folder) => onnxEmbedder(written(folder), preprocessing));

describe('an embedder that runs on ONNX Runtime', () => {
  let folder: string;
  let file: string;
  before(async () => {
    folder = await savedSmallNetwork();
    file = written(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('gives the same from bytes as from a file', async () => {
    const data = Uint8Array.from({ length: preprocessing.size ** 2 * 3 }, (_, i) => i);
    const pixels = [{ width: preprocessing.size, height: preprocessing.size, data }];
    const [fromFile, fromBytes] = [
      await onnxEmbedder(file, preprocessing),
      await onnxEmbedder(readFileSync(file), preprocessing),
    ];

    assert.deepEqual(await fromBytes.embed(pixels), await fromFile.embed(pixels));
    fromFile.dispose();
    fromBytes.dispose();
  });

  it('refuses a model that is none, is cut short, or takes other pictures than the description says', async () => {
    const bytes = readFileSync(file);
    const named = path.join(mkdtempSync(path.join(os.tmpdir(), 'kindred-onnx-')), 'none.onnx');
    writeFileSync(named, 'no model');
    const refused = { name: CorruptDataError.name };

    await assert.rejects(onnxEmbedder(named, preprocessing), {
      ...refused,
      message: /none\.onnx" cannot be/,
    });
    await assert.rejects(onnxEmbedder(new Uint8Array(0), preprocessing), refused);
    for (const share of [0.1, 0.5, 0.99]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * share));
      await assert.rejects(onnxEmbedder(cut, preprocessing), refused, `cut to ${share}`);
    }
    await assert.rejects(onnxEmbedder(bytes, { ...preprocessing, size: 9 }), {
      ...refused,
      message: /\[pictures, 8, 8, 3\].*\[pictures, 9, 9, 3\]/,
    });
    rmSync(path.dirname(named), { recursive: true });
  });
});
