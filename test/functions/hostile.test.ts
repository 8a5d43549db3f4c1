import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { png, pngChunk, zlibOfZeros } from '../core/images/encoders.ts';
import { picture } from '../core/registry/colours.ts';
import { json, listening } from './support.ts';
import type { Served } from './support.ts';

/** Sends bytes as they are, and gives all that comes back. */
async function raw(url: string, pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  socket.on('error', () => undefined);
  let text = '';
  socket.setEncoding('latin1').on('data', (data: string) => (text += data));
  for (const piece of pieces) socket.write(piece);
  await once(socket, 'close');
  return text;
}

/** A few kilobytes that say to be a PNG of so many pixels. */
function bomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const chunks = [pngChunk('IHDR', header), pngChunk('IDAT', zlibOfZeros(2 ** 25)), pngChunk('IEND')];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);

describe('a server among hostile requests', () => {
  let served: Served & { url: string };
  let host: string;
  before(async () => {
    served = await listening({
      limits: { pictureBytes: 100_000, bodyBytes: 200_000, pictures: 3 },
      memoryBytes: 500_000,
      requestMs: 1500,
    });
    host = new URL(served.url).host;
  });
  after(() => served.close());

  const bodyBytes = async (): Promise<number> => {
    const text = await (await served.fetch('/metrics')).text();
    return Number(/^kindred_body_bytes (\d+)$/m.exec(text)?.[1]);
  };
  const stillAnswers = async (): Promise<void> => {
    const response = await served.fetch('/v1/classify', {
      method: 'POST',
      body: await (await picture('red', 1)).read(),
    });
    assert.equal(response.status, 200);
    await response.arrayBuffer();
    assert.equal(await bodyBytes(), 0);
  };

  it('refuses a body that says it is too large before it came', async () => {
    const head = `POST /v1/classify HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n`;

    const answer = await raw(served.url, [head, 'x']);

    assert.equal(statusOf(answer), 413);
    await stillAnswers();
  });

  it('refuses a body without a length as soon as it is too large', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 10_000;
        if (sent > 50_000_000) controller.close();
        else controller.enqueue(new Uint8Array(10_000));
      },
    });
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;

    const status = await served.fetch('/v1/classify', init).then(
      (response) => response.status,
      () => 'cut',
    );

    assert.ok(status === 413 || status === 'cut', String(status));
    assert.ok(sent < 50_000_000, `${sent} bytes were taken`);
    await stillAnswers();
  });

  it('refuses forms with too many pictures, too large ones, and nothing but boundaries', async () => {
    const red = await (await picture('red', 1)).read();
    const many = new FormData();
    for (let i = 0; i < 4; i++) many.append('image', new Blob([red]), 'a.png');
    const large = new FormData();
    large.append('image', new Blob([new Uint8Array(150_000)]), 'a.png');
    const boundaries = '--x\r\n\r\n'.repeat(20_000);

    const answers = await Promise.all([
      served.fetch('/v1/classify', { method: 'POST', body: many }),
      served.fetch('/v1/classify', { method: 'POST', body: large }),
      served.fetch('/v1/classify', {
        method: 'POST',
        body: boundaries,
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
      }),
    ]);

    assert.deepEqual(
      answers.map(({ status }) => status),
      [413, 413, 413],
    );
    await stillAnswers();
  });

  it('refuses whatever is no sound picture, and stays as small as it was', async () => {
    const text = (content: string): Buffer => Buffer.from(content, 'latin1');
    const small = png(8, 8, new Uint8Array(192));
    const gif = text('GIF89a\x08\0\x08\0\0\0\0,\0\0\0\0\x08\0\x08\0\0\x02');
    const webp = text('RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\x01\0\x9d\x01*');
    const corpus: Record<string, readonly [bytes: Uint8Array, status: number]> = {
      nothing: [new Uint8Array(0), 422],
      zeros: [new Uint8Array(50_000), 415],
      'a PNG cut off': [small.subarray(0, small.length / 2), 422],
      'the first bytes of a PNG': [small.subarray(0, 8), 422],
      'the first bytes of a JPEG': [text('\xff\xd8\xff\xe0\0\x10JFIF\0'), 422],
      'a GIF cut off': [gif, 422],
      'a WebP cut off': [webp, 422],
      'a TIFF whose directory is elsewhere': [text('II*\0\xff\xff\xff\x7f'), 422],
      'a PNG of 3,600 million pixels': [bomb(60_000, 60_000), 422],
      'a PNG that is one very long line': [bomb(2 ** 31 - 1, 1), 422],
      'a GIF of 4,300 million pixels': [
        text('GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02'),
        422,
      ],
      'a GIF that is a script': [text('GIF89a/*\0\0\0*/=1;alert(1)'), 422],
      'a PNG that is a page': [text('\x89PNG\r\n\x1a\n<html><script>alert(1)</script>'), 422],
      'a PDF with a picture in it': [Buffer.concat([text('%PDF-1.7\n'), small]), 415],
      'a ZIP with a picture in it': [Buffer.concat([text('PK\x03\x04'), small]), 415],
      'a drawing that asks for a file': [
        text('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
        415,
      ],
      'a HEIC picture': [text('\0\0\0\x18ftypheic\0\0\0\0heicmif1'), 415],
      'a film': [text('\0\0\0\x18ftypisom\0\0\0\0isomavc1'), 415],
      'a program': [text('\x7fELF\x02\x01\x01'), 415],
    };
    const rss = process.memoryUsage().rss;

    for (const [what, [bytes, status]] of Object.entries(corpus)) {
      const headers = { 'content-type': 'image/png' };
      const body = new Uint8Array(bytes);
      for (const at of ['/v1/classify', '/v1/embed', '/v1/models/colours/feedback?class=red']) {
        const response = await served.fetch(at, { method: 'POST', body, headers });
        await response.arrayBuffer();
        assert.equal(response.status, status, `${what} to ${at}`);
      }
    }

    assert.ok(process.memoryUsage().rss - rss < 300 * 2 ** 20);
    await stillAnswers();
  });

  it('lets a slow body not keep its place for ever', async () => {
    const head = `POST /v1/classify HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000\r\n\r\nabc`;

    const answer = await raw(served.url, [head]);

    assert.equal(statusOf(answer), 408);
    await stillAnswers();
  });

  it('gives memory back when whoever asks goes away in the middle', async () => {
    const red = await (await picture('red', 1)).read();
    const head = `POST /v1/classify HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${red.length + 10}\r\n\r\n`;
    const { hostname, port } = new URL(served.url);
    for (let i = 0; i < 10; i++) {
      const socket = net.connect(Number(port), hostname);
      socket.write(head);
      socket.write(red);
      await once(socket, 'connect');
      while ((await bodyBytes()) === 0);
      socket.destroy();
      while ((await bodyBytes()) !== 0);
    }

    await stillAnswers();
  });

  it('has no more than so many bytes of bodies in memory', async () => {
    const { hostname, port } = new URL(served.url);
    const sockets = Array.from({ length: 6 }, () => net.connect(Number(port), hostname));
    const said: string[] = [];
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.setEncoding('latin1').on('data', (data: string) => said.push(data));
      socket.write(`POST /v1/classify HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100000\r\n\r\n`);
      socket.write(new Uint8Array(99_000));
    }

    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));

    assert.equal(statusOf(said[0] ?? ''), 503);
    assert.match(said[0] ?? '', /retry-after: \d/i);
    assert.ok((await bodyBytes()) <= 500_000);
    for (const socket of sockets) socket.destroy();
    while ((await bodyBytes()) !== 0);
    await stillAnswers();
  });

  it('answers only under its own names, and no page of others', async () => {
    const ask = (headers: string): Promise<string> =>
      raw(served.url, [`GET /v1/models HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`]);

    const statuses = await Promise.all([
      ask(`Host: ${host}\r\n`),
      ask(`Host: localhost:${new URL(served.url).port}\r\n`),
      ask('Host: evil.example\r\n'),
      ask(`Host: evil.example:${new URL(served.url).port}\r\n`),
      ask(`Host: ${host}\r\nOrigin: http://evil.example\r\n`),
      ask(`Host: ${host}\r\nOrigin: null\r\n`),
      ask(`Host: ${host}\r\nSec-Fetch-Site: cross-site\r\n`),
      ask(`Host: ${host}\r\nOrigin: ${served.url}\r\n`),
    ]);

    assert.deepEqual(statuses.map(statusOf), [200, 200, 403, 403, 403, 403, 403, 200]);
  });

  it('puts nothing from a request into the header of an answer', async () => {
    const injected = await raw(served.url, [
      `GET /v1/models/x%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: ${host}\r\nX-Request-Id: a%0d%0aX-Bad: 1\r\nConnection: close\r\n\r\n`,
    ]);
    const split = await raw(served.url, [
      `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nX-Request-Id: a\nX-Bad: 1\r\nConnection: close\r\n\r\n`,
    ]);

    const [head = ''] = injected.split('\r\n\r\n');
    assert.equal(statusOf(injected), 400);
    assert.doesNotMatch(head, /set-cookie|x-bad/i);
    assert.doesNotMatch(split.split('\r\n\r\n')[0] ?? '', /x-bad/i);
  });

  it('answers no tricks with paths by anything but what is there', async () => {
    for (const path of [
      '/v1/../../etc/passwd',
      '/v1/models/..%2f..%2fx',
      '/v1/models/%00',
      '/v1/models/%ff',
      '/v1/models/%',
      '//v1/models',
      '/v1/datasets/%2e%2e',
      `/v1/models/${'x'.repeat(5000)}`,
      '/v1/models/colours/versions/1e1',
      '/v1/models/colours/versions/99999999999999999999',
    ]) {
      const answer = await raw(served.url, [
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      ]);
      assert.ok([400, 404].includes(statusOf(answer)), `${path}: ${answer.slice(0, 200)}`);
    }
  });

  it('tells nothing of its own troubles but where they are written down', async () => {
    const { store } = served.registry;
    const key = 'models/colours/aliases/broken.json';
    await store.put(key, new TextEncoder().encode('{"secret": 1'));

    const response = await served.fetch('/v1/models/colours/aliases/broken');

    const problem = await json<{ detail: string; instance: string; type: string }>(response);
    assert.deepEqual([response.status, problem.type], [500, 'urn:kindred:problem:corrupt-data']);
    assert.doesNotMatch(problem.detail, /secret|broken|json/i);
    const entry = served.log.find(
      ({ level, requestId }) => level === 'error' && requestId === problem.instance,
    );
    assert.match(String(entry?.['error']), /broken\.json/);
    await store.delete(key);
  });
});

describe('a server that is closed', () => {
  it('answers the requests under way, and takes no more', async () => {
    const served = await listening();
    const red = await (await picture('red', 1)).read();
    const { host, hostname, port } = new URL(served.url);
    const socket = net.connect(Number(port), hostname);
    socket.write(`POST /v1/classify HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${red.length}\r\n\r\n`);
    socket.write(red.slice(0, 20));
    await once(socket, 'connect');
    // The server has the request by then; asked over a connection that does not stay.
    const metrics = `GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    while (/^kindred_body_bytes 0\r?$/m.test(await raw(served.url, [metrics])));

    const closing = served.close();
    await assert.rejects(served.fetch('/healthz'));
    let text = '';
    socket.setEncoding('latin1').on('data', (data: string) => (text += data));
    socket.write(red.slice(20));

    await closing;
    assert.equal(statusOf(text), 200);
  });
});
