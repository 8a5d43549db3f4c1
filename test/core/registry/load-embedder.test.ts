import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { CorruptDataError } from '../../../core/errors.ts';
import { loadEmbedder } from '../../../core/registry/load-embedder.ts';
import type { Manifest } from '../../../core/registry/manifest.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { savedSmallNetwork } from '../embedding/contract.ts';

const manifest = { model: 'm', version: 1, files: { 'embedding.onnx': {} } } as unknown as Manifest;
test('A model that cannot be read, or is none, leaves no thread behind', async (t) => {
  const folder = await savedSmallNetwork();
  t.after(() => rmSync(folder, { recursive: true }));
  const file = (): Promise<Uint8Array> => readFile(path.join(folder, 'model.json'));
  const failures: readonly Registry['withFile'][] = [
    () => Promise.reject(new CorruptDataError('damaged')),
    (_model, _version, _name, work) => work(new Uint8Array(10)),
  ];
  for (const withFile of failures) {
    const threads: Worker[] = [];
    const note = (thread: Worker): void => void threads.push(thread);
    process.on('worker', note);

    await assert.rejects(
      loadEmbedder({ file, withFile } as unknown as Registry, manifest, 'onnx'),
      CorruptDataError,
    );

    process.off('worker', note);
    assert.equal(threads.length, 1);
    for (const thread of threads) if (thread.threadId >= 0) await once(thread, 'exit');
  }
});
