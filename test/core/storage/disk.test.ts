import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { explain } from '../../../core/storage/fs/failure.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import { keysOf, text } from './contract.ts';

const put = fileURLToPath(new URL('programs/put.ts', import.meta.url));
/** Mounting needs a Linux that lets this user make a name space of his own. */
const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0;

/** Runs the put program where `mount`, a shell command, is in force, and gives what it prints. */
function putUnder(mount: string, folder: string, bytes: number): string {
  const script = `${mount} && exec "$NODE" --import tsx "$PUT" "$FOLDER" ${bytes}`;
  const env = { ...process.env, NODE: process.execPath, PUT: put, FOLDER: folder };
  return execFileSync('unshare', ['-rm', 'sh', '-c', script], { env, encoding: 'utf8' });
}

describe('a process that may have few files open', () => {
  it('can ask for thousands of objects at once', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'kindred-many-'));
    t.after(() => rm(folder, { recursive: true }));
    await fsStore(folder).put('a', text('content'));
    const program = fileURLToPath(new URL('programs/get-many.ts', import.meta.url));
    const env = { ...process.env, NODE: process.execPath, PROGRAM: program, FOLDER: folder };

    const script = 'ulimit -n 256 && exec "$NODE" --import tsx "$PROGRAM" "$FOLDER" 3000';
    const printed = execFileSync('sh', ['-c', script], { env, encoding: 'utf8' });

    assert.equal(printed, '3000\n');
  });
});

describe('a disk that does not take it', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kindred-disk-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('says that the disk is full, where, and what to do', { skip: !canMount }, () => {
    const mount = 'mount -t tmpfs -o size=1m none "$FOLDER"';
    assert.equal(putUnder(mount, folder, 500_000), 'stored\n');
    assert.match(
      putUnder(mount, folder, 3_000_000),
      /StorageError: Cannot write ".*kindred-disk-.*disk is full/,
    );
  });

  it('says that the file system is read-only', { skip: !canMount }, () => {
    const mount = 'mount -t tmpfs -o ro none "$FOLDER"';
    assert.match(putUnder(mount, folder, 10), /StorageError: Cannot write ".*read-only/);
  });

  it('says that permission is denied', { skip: process.getuid?.() === 0 }, async () => {
    await mkdir(join(folder, 'closed'));
    await writeFile(join(folder, 'closed', 'a'), 'x');
    await chmod(join(folder, 'closed'), 0);
    const store = fsStore(folder);
    await assert.rejects(store.get('closed/a'), /Cannot read .*permission denied/);
    await assert.rejects(keysOf(store, ''), /Cannot list .*permission denied/);
    await chmod(join(folder, 'closed'), 0o500);
    await assert.rejects(store.put('closed/b', text('x')), /Cannot write .*permission denied/);
    await chmod(join(folder, 'closed'), 0o700);
  });

  it('explains each known failure and passes strange ones on', () => {
    for (const code of ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EMFILE', 'EXDEV', 'EIO', 'EBUSY']) {
      const cause = Object.assign(new Error(`${code}: from the system`), { code });
      const explained = explain(cause, 'write', '/some/where');
      assert.ok(explained instanceof Error);
      assert.match(explained.message, new RegExp(`^Cannot write "/some/where": .*\\(${code}\\)\\.$`));
      assert.equal(explained.cause, cause);
    }
    const strange = new TypeError('a bug');
    assert.equal(explain(strange, 'read', '/x'), strange);
  });
});
