import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inScratch } from '../../../core/pipeline/scratch.ts';
import { start } from '../storage/programs.ts';

const PROGRAM = new URL('programs/scratch.ts', import.meta.url);

describe('the folder of a training', () => {
  let scratch: string;
  before(() => (scratch = mkdtempSync(path.join(os.tmpdir(), 'kindred-scratch-'))));
  after(() => rmSync(scratch, { recursive: true, force: true }));

  it('goes with it, and when it was killed with the next one; what others have there stays', async () => {
    const killed = start(PROGRAM, [scratch]);
    const left = await killed.line();
    await killed.kill();
    // Of a machine that shares the folder and whose locks do not show here.
    const elsewhere = `kindred-training-${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`;
    mkdirSync(path.join(scratch, elsewhere));
    writeFileSync(path.join(scratch, `${elsewhere}.lock`), 'another-machine');
    // Something of somebody else that is called so.
    const link = elsewhere.replaceAll('0', 'f');
    writeFileSync(path.join(scratch, 'precious'), '');
    symlinkSync(path.join(scratch, 'precious'), path.join(scratch, `${link}.lock`));
    const found = readdirSync(scratch);

    const [between, live] = await inScratch(scratch, async (own) => {
      writeFileSync(path.join(own, 'weights.bin'), 'mine');
      await inScratch(scratch, async () => undefined);
      return [readdirSync(scratch), readFileSync(path.join(own, 'weights.bin'), 'utf8')];
    });

    const others = [elsewhere, `${elsewhere}.lock`, `${link}.lock`, 'precious'];
    assert.ok(left !== null && found.includes(path.basename(left)));
    assert.equal(live, 'mine');
    assert.ok(!between.includes(path.basename(left)) && !between.includes(`${path.basename(left)}.lock`));
    assert.deepEqual(new Set(readdirSync(scratch)), new Set(others));
  });
});
