import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { downloadWheels } from '../../scripts/setup/pip.mjs';
import { makeZip, sha256Of, temporaryFolder } from './support.ts';

interface Published {
  readonly folder: string;
  readonly file: string;
  readonly wheel: { name: string; version: string; bytes: number; sha256: string };
}

/** A small wheel in a folder that pip takes packages from; there is no index besides. */
function publish(t: TestContext): Published {
  const folder = temporaryFolder(t);
  const file = path.join(folder, 'kindred_probe-1.0-py3-none-any.whl');
  const metadata = 'Metadata-Version: 2.1\nName: kindred-probe\nVersion: 1.0\n';
  const members = {
    'lib/libprobe.so': 'a library',
    'kindred_probe-1.0.dist-info/METADATA': metadata,
    'kindred_probe-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    'kindred_probe-1.0.dist-info/RECORD': '',
  };
  makeZip(
    file,
    Object.fromEntries(Object.entries(members).map(([name, content]) => [name, Buffer.from(content)])),
    'DEFLATED',
  );
  setVariable(t, 'PIP_NO_INDEX', '1');
  setVariable(t, 'PIP_FIND_LINKS', folder);
  const wheel = { name: 'kindred-probe', version: '1.0', bytes: statSync(file).size, sha256: sha256Of(file) };
  return { folder, file, wheel };
}

function setVariable(t: TestContext, name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  t.after(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}

test('A wheel with the pinned SHA-256 is fetched', async (t) => {
  const { file, wheel } = publish(t);

  const [got = ''] = await downloadWheels([wheel], ['manylinux_2_27_x86_64'], temporaryFolder(t));

  assert.deepEqual(readFileSync(got), readFileSync(file));
});

test('A wheel with another SHA-256 is refused', async (t) => {
  const { wheel } = publish(t);
  const other = { ...wheel, sha256: '0'.repeat(64) };

  await assert.rejects(
    downloadWheels([other], [], temporaryFolder(t)),
    /could not download kindred-probe[^]*hash/i,
  );
});

test('A truncated wheel is refused', async (t) => {
  const { file, wheel } = publish(t);
  truncateSync(file, wheel.bytes - 30);

  await assert.rejects(downloadWheels([wheel], [], temporaryFolder(t)), /could not download kindred-probe/);
});

test('A package that is not published is named', async (t) => {
  publish(t);
  const absent = { name: 'kindred-absent', version: '9.9', bytes: 1, sha256: '0'.repeat(64) };

  await assert.rejects(downloadWheels([absent], [], temporaryFolder(t)), /kindred-absent==9\.9/);
});
