import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is to happen to a request, instead of passing it on and its answer back. */
export type Fault =
  /** The server does not get it; this comes back. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string }
  /** The server carries it out; then, after `meanwhile`, the connection is cut before the answer. */
  | { readonly kind: 'lose-answer'; readonly meanwhile?: () => Promise<void> }
  /** The server carries it out, and nobody ever hears of it. */
  | { readonly kind: 'silence' }
  /** Half of the answer's body comes, and then the connection is cut. */
  | { readonly kind: 'cut-answer' }
  /** One byte arrives as another one. */
  | { readonly kind: 'damage-request' }
  | { readonly kind: 'damage-answer' };

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** What is asked of a service that is told by the header, such as AmazonSSM.GetParameter; null: none is. */
  readonly target: string | null;
  readonly body: Buffer;
  /** How often the AWS client has sent this request by now. */
  readonly attempt: number;
}

export interface FaultProxy {
  readonly port: number;
  /** From now on decides on every request; a count of those of its kind is its own affair. */
  onRequest(decide: (request: Seen) => Fault | undefined): void;
  stop(): Promise<void>;
}

/** A proxy that understands HTTP, before a port of this machine: for faults that toxiproxy, which knows bytes only, cannot make. */
export async function startFaultProxy(target: number): Promise<FaultProxy> {
  let decide: (request: Seen) => Fault | undefined = () => undefined;
  const server = http.createServer((request, response) => {
    handle(target, request, response, (seen) => decide(seen)).catch(() => request.socket.destroy());
  });
  // The client waits for it before a large body.
  server.on('checkContinue', (request, response) => {
    response.writeContinue();
    server.emit('request', request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    onRequest: (next) => void (decide = next),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function handle(
  target: number,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  decide: (seen: Seen) => Fault | undefined,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://proxy');
  const sent = await bodyOf(request);
  const fault = decide({
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    target: request.headers['x-amz-target']?.toString() ?? null,
    body: sent,
    attempt: Number(/attempt=(\d+)/.exec(String(request.headers['amz-sdk-request']))?.[1] ?? 1),
  });
  if (fault?.kind === 'answer') {
    response.writeHead(fault.status, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>planted</Message></Error>`);
    return;
  }
  const answer = await forwarded(target, request, fault?.kind === 'damage-request' ? damaged(sent) : sent);
  const got = await bodyOf(answer);
  if (fault?.kind === 'silence') return;
  if (fault?.kind === 'lose-answer') {
    await fault.meanwhile?.();
    request.socket.destroy();
    return;
  }
  response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
  if (fault?.kind === 'cut-answer') {
    response.write(got.subarray(0, got.length >> 1), () => request.socket.destroy());
    return;
  }
  response.end(fault?.kind === 'damage-answer' ? damaged(got) : got);
}

async function forwarded(
  target: number,
  { method, url, rawHeaders }: http.IncomingMessage,
  body: Buffer,
): Promise<http.IncomingMessage> {
  const headers = rawHeaders
    .map((text, i) => [text, rawHeaders[i + 1]] as const)
    .filter((_, i) => i % 2 === 0);
  const passed = headers.filter(([name]) => !/^(expect|connection)$/i.test(name)).flat() as string[];
  const onward = http.request({
    host: '127.0.0.1',
    port: target,
    method: method ?? 'GET',
    path: url ?? '/',
    headers: passed as unknown as http.OutgoingHttpHeaders,
    agent: false,
  });
  onward.end(body);
  const [answer] = (await once(onward, 'response')) as [http.IncomingMessage];
  return answer;
}

async function bodyOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = copy.length >> 1;
  if (copy.length > 0) copy.writeUInt8((copy[middle] as number) ^ 1, middle);
  return copy;
}
