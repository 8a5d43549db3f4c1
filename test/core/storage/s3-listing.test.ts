import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inCodeUnitOrder } from '../../../core/storage/s3/listing.ts';
import { gather } from './contract.ts';

async function* each(names: readonly string[]): AsyncGenerator<{ name: string }> {
  for (const name of names) yield { name };
}

describe("from the order of UTF-8's bytes to that of code units", () => {
  it('sorts as a whole sort does, whatever the names', async () => {
    const letters = ['a', 'b', '/', 'é', '\ue000', '\uff5e', '\u{10000}', '\u{1f600}'];
    const names = letters.flatMap((a) => letters.flatMap((b) => [a + b, ...letters.map((c) => a + b + c)]));
    const asListed = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.notDeepEqual(asListed, names.toSorted());

    const got = (await gather(inCodeUnitOrder(each(asListed)))).map(({ name }) => name);

    assert.deepEqual(got, names.toSorted());
  });

  it('holds nothing back where the two orders agree', async () => {
    let given = 0;
    async function* counted(): AsyncGenerator<{ name: string }> {
      for (const name of ['a/1', 'a/2', 'a/3']) {
        given++;
        yield { name };
      }
    }
    for await (const { name } of inCodeUnitOrder(counted())) assert.equal(name, `a/${given}`);
  });
});
