import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { CorruptDataError } from '../../../core/errors.ts';
import { loadEmbedder } from '../../../core/registry/load-embedder.ts';
import type { Manifest } from '../../../core/registry/manifest.ts';
import type { Registry } from '../../../core/registry/registry.ts';

const manifest = { model: 'm', version: 1, files: { 'embedding.onnx': {} } } as unknown as Manifest;
test('A model that cannot be read, or is none, leaves no thread behind', async () => {
  const failures: readonly Registry['withFile'][] = [
    () => setImmediate(null).then(() => Promise.reject(new CorruptDataError('damaged'))),
    (_model, _version, _name, work) => setImmediate(null).then(() => work(new Uint8Array(10))),
  ];
  for (const withFile of failures) {
    const threads: Worker[] = [];
    const note = (thread: Worker): void => void threads.push(thread);
    process.on('worker', note);

    await assert.rejects(loadEmbedder({ withFile } as unknown as Registry, manifest), CorruptDataError);

    process.off('worker', note);
    assert.equal(threads.length, 1);
    for (const thread of threads) if (thread.threadId >= 0) await once(thread, 'exit');
  }
});
