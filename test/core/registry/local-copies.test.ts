import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { embedPictures } from '../../../core/embedding/embed-pictures.ts';
import { NotFoundError } from '../../../core/errors.ts';
import { openEmbedder } from '../../../core/registry/open-version.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import { LocalCopies } from '../../../core/storage/local-copies.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { SHARP, embedWith, pictures, publishColours } from './colours.ts';
import { intercepted } from './support.ts';

const ONNX = 'models/colours/versions/1/embedding.onnx';

it('A registry with local copies fetches a network once, and embeds with it as one without does', async () => {
  const store = memoryStore();
  const train = await pictures(['red', 'green'], 0, 2);
  const { files } = await publishColours(openRegistry(store), SHARP, train);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kindred-copies-'));
  const fetched: string[] = [];
  const watched = intercepted(store, async (operation, key) => {
    if (key === ONNX) fetched.push(operation);
  });
  try {
    const expected = await embedWith(openRegistry(store), 1, train);
    for (let process = 0; process < 2; process++) {
      const registry = openRegistry(watched, { copies: new LocalCopies({ folder, most: 1e6 }) });
      const embedder = await openEmbedder(registry, { model: 'colours', version: 1 });
      const got = await embedPictures(embedder, train);
      embedder.dispose();

      assert.deepEqual(got.embeddings, expected.embeddings);
      await assert.rejects(
        registry.withFile('colours', 1, 'none', () => assert.fail()),
        NotFoundError,
      );
    }
    assert.equal(fetched.length, 1);
    assert.deepEqual(await readdir(folder), [files['embedding.onnx']?.sha256]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
