import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { CorruptDataError } from '../../../core/errors.ts';
import { LocalCopies } from '../../../core/storage/local-copies.ts';
import type { Original } from '../../../core/storage/local-copies.ts';

interface Counted extends Original {
  /** How often it was read. */
  readonly reads: () => number;
}

function originalOf(bytes: Uint8Array): Counted {
  let reads = 0;
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    async *pieces() {
      reads++;
      yield bytes.subarray(0, 3);
      yield bytes.subarray(3);
    },
    reads: () => reads,
  };
}

/** One that breaks off, or turns out to be something else, after its first piece. */
const broken = (size: number): Original => ({
  sha256: '0'.repeat(64),
  size,
  async *pieces() {
    yield new Uint8Array(size);
    throw new CorruptDataError('it is not what it should be');
  },
});

const contentOf = async (file: string | null): Promise<Uint8Array | null> =>
  file === null ? null : new Uint8Array(await readFile(file));

describe('local copies', () => {
  let folder = '';
  const troubles: unknown[] = [];
  const copiesOf = (most: number): LocalCopies =>
    new LocalCopies({ folder, most, onTrouble: (error) => troubles.push(error) });

  beforeEach(async () => {
    troubles.length = 0;
    folder = await mkdtemp(path.join(os.tmpdir(), 'kindred-copies-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are made once, however many ask at the same time, and are what they were made from', async () => {
    const bytes = new Uint8Array(randomBytes(100));
    const original = originalOf(bytes);
    const copies = copiesOf(1000);

    const got = await Promise.all([1, 2, 3].map(() => copies.use(original, contentOf)));

    assert.deepEqual(got, [bytes, bytes, bytes]);
    assert.equal(original.reads(), 1);
    assert.deepEqual(await readdir(folder), [original.sha256]);
  });

  it('are used again by the next process, unless they are not what they should be', async () => {
    const [whole, cut] = [originalOf(new Uint8Array(50).fill(1)), originalOf(new Uint8Array(60).fill(2))];
    const changed = originalOf(new Uint8Array(70).fill(3));
    for (const each of [whole, cut, changed]) await copiesOf(1000).use(each, contentOf);
    await writeFile(path.join(folder, cut.sha256), new Uint8Array(59).fill(2));
    await writeFile(path.join(folder, changed.sha256), new Uint8Array(70).fill(4));
    const next = copiesOf(1000);

    const got = [];
    for (const each of [whole, cut, changed]) got.push(await next.use(each, contentOf));

    assert.deepEqual(got, [
      new Uint8Array(50).fill(1),
      new Uint8Array(60).fill(2),
      new Uint8Array(70).fill(3),
    ]);
    assert.deepEqual([whole.reads(), cut.reads(), changed.reads()], [1, 2, 2]);
  });

  it('are not there when what they are made from breaks off, and parts that were left are removed', async () => {
    await writeFile(path.join(folder, `${'a'.repeat(64)}.123.part`), 'left by a process that was killed');
    const copies = copiesOf(1000);

    await assert.rejects(copies.use(broken(100), contentOf), CorruptDataError);

    assert.deepEqual(await readdir(folder), []);
  });

  it('take no more room than they may: what was not used for longest goes, and nothing that is in use', async () => {
    const copies = copiesOf(250);
    const [a, b, c, d] = [1, 2, 3, 4].map((fill) => originalOf(new Uint8Array(100).fill(fill))) as [
      Counted,
      Counted,
      Counted,
      Counted,
    ];
    await copies.use(a, contentOf);
    await copies.use(b, contentOf);
    await copies.use(a, contentOf);

    await copies.use(a, async () => {
      await copies.use(c, contentOf);
      assert.deepEqual((await readdir(folder)).toSorted(), [a.sha256, c.sha256].toSorted());
      await copies.use(c, async () => {
        assert.equal(await copies.use(d, contentOf), null, 'there is no room for a third one');
      });
    });

    assert.equal(troubles.length, 1);
    assert.deepEqual(await copies.use(d, contentOf), new Uint8Array(100).fill(4));
    assert.equal((await readdir(folder)).length, 2);
  });

  it('are not made of what is larger than all room, nor where nothing can be written', async () => {
    const large = originalOf(new Uint8Array(1001));
    assert.equal(await copiesOf(1000).use(large, contentOf), null);
    assert.equal(large.reads(), 0);

    const file = path.join(folder, 'file');
    await writeFile(file, '');
    const nowhere = new LocalCopies({
      folder: path.join(file, 'below'),
      most: 1000,
      onTrouble: (error) => troubles.push(error),
    });

    assert.equal(await nowhere.use(originalOf(new Uint8Array(10)), contentOf), null);
    assert.equal(troubles.length, 1);
  });
});
