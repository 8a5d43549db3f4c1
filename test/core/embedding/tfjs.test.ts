import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { tfjsEmbedder } from '../../../core/embedding/tfjs.ts';
import { openNetwork } from '../../../core/network/saved-network.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { liveVariables } from '../../../core/network/variables.ts';
import { embedderContract, networkIn, preprocessing, savedSmallNetwork } from './contract.ts';

embedderContract('tensorflow', async (folder) => tfjsEmbedder(openNetwork(networkIn(folder))));

describe('an embedder that runs on TensorFlow', () => {
  const grey = {
    width: preprocessing.size,
    height: preprocessing.size,
    data: new Uint8Array(preprocessing.size ** 2 * 3).fill(128),
  };
  const count = (): number[] => [tf.memory().numTensors, liveVariables()];

  it('leaves no tensor behind: not after an answer, not when it is disposed of, not when it is asked afterwards', async () => {
    const folder = await savedSmallNetwork();
    const atFirst = count();

    const embedder = tfjsEmbedder(openNetwork(networkIn(folder)));
    await embedder.embed([grey]);
    const withWeights = count();
    await embedder.embed(Array.from({ length: 20 }, () => grey));
    assert.deepEqual(count(), withWeights);
    const underWay = embedder.embed([grey]);
    embedder.dispose();
    await underWay;
    await assert.rejects(embedder.embed([grey]));

    assert.deepEqual(count(), atFirst);
    rmSync(folder, { recursive: true });
  });
});
