import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { readTar } from '../../scripts/setup/tar.mjs';
import { makeTarball, temporaryFolder, writeFiles } from './support.ts';

const FILES = {
  'package/empty': '',
  'package/text.json': '{"a":1}',
  'package/deep/er/binary': randomBytes(1500),
  [`package/${'long-name-'.repeat(8)}/${'x'.repeat(90)}`]: 'kept in two fields of the header',
};

function archiveOf(t: TestContext): Buffer {
  const folder = temporaryFolder(t);
  writeFiles(folder, FILES);
  makeTarball(path.join(folder, 'a.tgz'), path.join(folder, 'package'));
  return gunzipSync(readFileSync(path.join(folder, 'a.tgz')));
}

test('Files that the system packed come out as they went in', (t) => {
  const archive = archiveOf(t);

  const found = readTar(archive);

  assert.deepEqual([...found.keys()].toSorted(), Object.keys(FILES).toSorted());
  for (const [name, content] of Object.entries(FILES))
    assert.deepEqual(found.get(name), Buffer.from(content));
});

test('A truncated archive is refused wherever it ends', (t) => {
  const archive = archiveOf(t);
  const end = archive.findLastIndex((byte) => byte !== 0);

  for (const length of [0, 100, 512, 700, 1024, end - 200, end]) {
    assert.throws(() => readTar(archive.subarray(0, length)), /archive ends/, `cut to ${length} bytes`);
  }
});

test('A header that was changed is refused', (t) => {
  const archive = archiveOf(t);
  archive[3] = (archive[3] ?? 0) ^ 1;

  assert.throws(() => readTar(archive), /checksum/);
});
