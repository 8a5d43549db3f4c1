import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../core/random.ts';
import { withBody } from '../../functions/http/body.ts';
import { partsOf } from '../../functions/http/form.ts';
import { Memory } from '../../functions/http/memory.ts';

class Watched extends Memory {
  peak = 0;

  override take(bytes: number): void {
    super.take(bytes);
    this.peak = Math.max(this.peak, this.taken);
  }
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

describe('a body', () => {
  it('counts as what it takes: once, and twice while it is put together', async () => {
    const memory = new Watched(1_000_000);
    const body = new Uint8Array(200_000).fill(7);
    const request = new Request('http://localhost/', { method: 'POST', body });

    const taken = await withBody(request, 300_000, memory, (bytes) => {
      assert.deepEqual(bytes, body);
      return Promise.resolve(memory.taken);
    });

    assert.equal(taken, 200_000);
    assert.ok(memory.peak >= 400_000 && memory.peak <= 400_000 + 64 * 1024, `${memory.peak}`);
    assert.equal(memory.taken, 0);
    const small = new Watched(300_000);
    const again = new Request('http://localhost/', { method: 'POST', body });
    const refused = withBody(again, 300_000, small, () => Promise.resolve());
    await assert.rejects(refused, { code: 'busy' });
    assert.equal(small.taken, 0);
  });

  it('keeps none of the pieces that it comes in, which may be single bytes', async () => {
    const piece = new Uint8Array(1);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          piece[0] = sent % 251;
          if (sent++ < 5000) controller.enqueue(piece);
          else controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const request = new Request('http://localhost/', { method: 'POST', body, duplex: 'half' });

    const got = await withBody(request, 10_000, new Memory(100_000), (bytes) => Promise.resolve(bytes));

    assert.deepEqual(
      got,
      Uint8Array.from({ length: 5000 }, (_, i) => i % 251),
    );
  });
});

describe('a form', () => {
  const said = (boundary = 'x'): string => `multipart/form-data; boundary=${boundary}`;
  const parts = async (text: string, boundary?: string): Promise<string[]> =>
    (await partsOf(bytesOf(text), said(boundary), 9)).map(({ name, file }) =>
      file === null ? name : `${name}|${file.name}|${Buffer.from(file.bytes).toString()}`,
    );

  it('is taken apart as what it was made of, without copies of its files', async () => {
    const random = new Random(3);
    const pieces = ['a', '"', '\r\n', '--', 'ü', '%22', ' ', '\\', '\r\n--', '\0'];
    const some = (): string =>
      Array.from({ length: random.below(8) }, () => pieces[random.below(10)]).join('');
    for (let round = 0; round < 100; round++) {
      const form = new FormData();
      const expected = Array.from({ length: random.below(5) }, (_, i) => {
        // No platform writes what would be percent-encoded already, nor a lone line end, in a way to be told apart.
        const name = `f${some()}`.replaceAll(/%22|\\|\r\n|\0/g, '_');
        const bytes = bytesOf(some());
        form.append(`n${i}`, new Blob([bytes]), name);
        return { name: `n${i}`, file: { name, bytes } };
      });
      const sent = new Response(form);
      const type = sent.headers.get('content-type') ?? '';
      const body = new Uint8Array(await sent.arrayBuffer());

      const found = await partsOf(body, type, 9);

      assert.deepEqual(found, expected);
    }
  });

  it('holds a large file as a view of the body', async () => {
    const form = new FormData();
    const content = new Uint8Array(3_000_000).fill(10);
    form.append('image', new Blob([content]), 'a.jpg');
    const sent = new Response(form);
    const body = new Uint8Array(await sent.arrayBuffer());

    const [part] = await partsOf(body, sent.headers.get('content-type') ?? '', 9);

    assert.deepEqual(part?.file?.bytes, content);
    assert.equal(part?.file?.bytes.buffer, body.buffer);
  });

  it('is read however it is written', async () => {
    const head = 'Content-Disposition: form-data; name="image"';
    assert.deepEqual(await parts(`before\r\n--x\r\n${head}\r\n\r\n1\r\n--x--after`), ['image']);
    for (const [filename, expected] of [
      ['filename="a \\"b\\".png"', 'a "b".png'],
      ['filename="a %22b%22.png"', 'a "b".png'],
      ['filename=a.png', 'a.png'],
      ['filename=""', ''],
      ["filename*=utf-8''%c3%bc.png", 'ü.png'],
      ['filename="C:\\\\x\\1.png"', 'C:\\x\\1.png'],
    ]) {
      const text = `--x\r\nContent-Type: image/png\r\n${head}; ${filename}\r\n\r\n-x\r\n--x--`;
      assert.deepEqual(await parts(text), [`image|${expected}|-x`], filename);
    }
    const quoted = `--a b\r\n${head}; filename=1\r\n\r\n\r\n--a b--`;
    assert.deepEqual(await parts(quoted, '"a b"'), ['image|1|']);
  });

  it('is refused when it is none, or not whole', async () => {
    const head = 'Content-Disposition: form-data; name="image"; filename="1.png"';
    for (const text of ['', 'x', '--x', '--x\r\n', '--x\r\nA: b\r\n', `--x\r\n${head}\r\n\r\nabc`]) {
      await assert.rejects(parts(text), /is not the form/, JSON.stringify(text));
    }
    await assert.rejects(partsOf(bytesOf('--x--'), 'multipart/form-data', 9), /no boundary/);
    await assert.rejects(parts(`--x\r\n${head}\r\n\r\n1\r\n`.repeat(10) + '--x--'), { code: 'too-large' });
    const encoded = `--x\r\nContent-Transfer-Encoding: base64\r\n${head}\r\n\r\nAAAA\r\n--x--`;
    await assert.rejects(parts(encoded), /Send its bytes as they are/);
  });
});
