import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { endOnnxThread, startOnnxThread } from '../../../core/embedding/onnx-session.ts';
import { onnxEmbedder } from '../../../core/embedding/onnx.ts';
import { CorruptDataError, EngineFailedError } from '../../../core/errors.ts';
import type { Pixels } from '../../../core/images/pixels.ts';
import { writeOnnx } from '../../../core/network/onnx/write.ts';
import { openNetwork } from '../../../core/network/saved-network.ts';
import { embedderContract, networkIn, preprocessing, savedSmallNetwork } from './contract.ts';

/** Writes the model of the network in the folder beside it. */
function written(folder: string): string {
  const file = path.join(mkdtempSync(path.join(folder, 'onnx-')), 'embedding.onnx');
  const network = openNetwork(networkIn(folder));
  writeOnnx(file, network, { precision: 'float32' });
  network.close();
  return file;
}

embedderContract('onnxruntime', async (folder) => onnxEmbedder(written(folder)));

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
    const [fromFile, fromBytes] = [await onnxEmbedder(file), await onnxEmbedder(readFileSync(file))];

    assert.deepEqual(await fromBytes.embed(pixels), await fromFile.embed(pixels));
    fromFile.dispose();
    fromBytes.dispose();
  });

  it('refuses a model that is none, is cut short, or takes other pictures than the description says', async () => {
    const bytes = readFileSync(file);
    const named = path.join(mkdtempSync(path.join(os.tmpdir(), 'kindred-onnx-')), 'none.onnx');
    writeFileSync(named, 'no model');
    const refused = { name: CorruptDataError.name };

    await assert.rejects(onnxEmbedder(named), {
      ...refused,
      message: /none\.onnx" is damaged/,
    });
    await assert.rejects(onnxEmbedder(new Uint8Array(0)), refused);
    for (const share of [0.1, 0.5, 0.99]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * share));
      await assert.rejects(onnxEmbedder(cut), refused, `cut to ${share}`);
    }
    await assert.rejects(onnxEmbedder(otherSize(bytes)), {
      ...refused,
      message: /\[pictures, 8, 8, 3\].*\[pictures, 9, 9, 3\]/,
    });
    rmSync(path.dirname(named), { recursive: true });
  });

  it('takes bytes over where they are given, and leaves them alone elsewhere', async () => {
    const [kept, given] = [new Uint8Array(readFileSync(file)), new Uint8Array(readFileSync(file))];

    const embedders = [await onnxEmbedder(kept), await onnxEmbedder(given, { given: true })];

    assert.ok(kept.length > 0);
    assert.equal(given.length, 0);
    for (const embedder of embedders) embedder.dispose();
  });

  it('leaves the process free while it computes', async () => {
    const embedder = await onnxEmbedder(file);
    let [turns, done] = [0, false];
    const turn = (): void => {
      turns++;
      if (!done) setImmediate(turn);
    };
    setImmediate(turn);

    await embedder.embed(pictures(400));
    done = true;

    // A hundred blocks of four: a process that computes itself gets a turn or two for each.
    assert.ok(turns > 1000, `${turns} turns`);
    embedder.dispose();
  });

  it('is opened in a thread that was started before, and says so when that is over', async () => {
    const [used, over] = [startOnnxThread(), startOnnxThread()];
    endOnnxThread(over);
    await once(over, 'exit');

    const embedder = await onnxEmbedder(file, { thread: used });
    const other = await onnxEmbedder(file);

    assert.deepEqual(await embedder.embed(pictures(3)), await other.embed(pictures(3)));
    await assert.rejects(onnxEmbedder(file, { thread: over }), {
      name: EngineFailedError.name,
      message: /over before the model was opened/,
    });
    for (const each of [embedder, other]) each.dispose();
  });

  it('says so when its thread ends, to who waits and to who comes', async () => {
    const threads: Worker[] = [];
    const note = (thread: Worker): void => void threads.push(thread);
    process.on('worker', note);
    const embedder = await onnxEmbedder(file);
    process.off('worker', note);
    const refused = { name: EngineFailedError.name, message: /thread .*ended.*Open the version again/ };

    const waiting = assert.rejects(embedder.embed(pictures(4)), refused);
    await threads[0]?.terminate();

    await waiting;
    await assert.rejects(embedder.embed(pictures(1)), refused);
    embedder.dispose();
  });

  for (const how of ['ends', 'exit']) {
    it(`lets a process that has not disposed of it end by itself (${how})`, async () => {
      const program = fileURLToPath(new URL('programs/leave-open.ts', import.meta.url));
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [
        '--import',
        'tsx',
        program,
        file,
        String(preprocessing.size),
        how,
      ]);

      assert.deepEqual([stdout, stderr], ['6\n', '']);
    });
  }
});

/** The model with another size in what it says of itself. */
function otherSize(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  return Buffer.from(text.replace('"preprocessing":{"size":8', '"preprocessing":{"size":9'), 'latin1');
}

function pictures(count: number): Pixels[] {
  const { size } = preprocessing;
  return Array.from({ length: count }, (_, i) => ({
    width: size,
    height: size,
    data: new Uint8Array(size ** 2 * 3).fill(i % 256),
  }));
}
