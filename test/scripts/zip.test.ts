import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { extractZip } from '../../scripts/setup/zip.mjs';
import { makeZip, sha256Of, temporaryFolder } from './support.ts';

const MEMBERS = {
  'lib/large.so': Buffer.concat([randomBytes(300_000), Buffer.alloc(700_000)]),
  'lib/empty': Buffer.alloc(0),
  'other/left-out': Buffer.from('not wanted'),
};

function wanted(name: string): string | undefined {
  return name.startsWith('lib/') ? name.replace('lib/', 'libraries/') : undefined;
}

for (const method of ['DEFLATED', 'STORED'] as const) {
  test(`Chosen members of an archive (${method}) are written with their size and SHA-256`, async (t) => {
    const folder = temporaryFolder(t);
    makeZip(path.join(folder, 'a.whl'), MEMBERS, method);

    const files = await extractZip(path.join(folder, 'a.whl'), wanted, path.join(folder, 'out'));

    assert.deepEqual(Object.keys(files), ['libraries/large.so', 'libraries/empty']);
    for (const [name, { bytes, sha256 }] of Object.entries(files)) {
      const file = path.join(folder, 'out', name);
      const packed = MEMBERS[name.replace('libraries/', 'lib/') as keyof typeof MEMBERS];
      assert.deepEqual(readFileSync(file), packed);
      assert.equal(bytes, packed.length);
      assert.equal(sha256, sha256Of(file));
    }
    assert.equal(existsSync(path.join(folder, 'out', 'other')), false);
  });
}

function archive(t: TestContext): { folder: string; file: string } {
  const folder = temporaryFolder(t);
  const file = path.join(folder, 'a.whl');
  makeZip(file, MEMBERS, 'DEFLATED');
  return { folder, file };
}

test('A truncated archive is refused', async (t) => {
  const { folder, file } = archive(t);
  truncateSync(file, 200_000);

  await assert.rejects(extractZip(file, wanted, path.join(folder, 'out')), /no zip archive/);
});

test('An archive whose members are overwritten is refused', async (t) => {
  const { folder, file } = archive(t);
  const bytes = readFileSync(file);
  bytes.fill(0xff, 0, 5000);
  writeFileSync(file, bytes);

  await assert.rejects(extractZip(file, wanted, path.join(folder, 'out')), /large.so" is damaged/);
});

test('A member that leads outside the folder is refused', async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, 'a.whl');
  makeZip(file, { '../outside': Buffer.from('x') }, 'STORED');

  await assert.rejects(
    extractZip(file, (name) => name, path.join(folder, 'out')),
    /leads outside/,
  );
  assert.equal(existsSync(path.join(folder, 'outside')), false);
});
