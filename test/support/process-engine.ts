/**
 * As much of the Docker Engine's HTTP interface (v1.41) as moto's Batch asks of it. What it runs as a container is a process on this
 * machine: base images cannot always be had where tests run, and what is of interest is the program in the container.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';

/** The program that an image stands for, and what every container of it has in its environment. */
export interface Image {
  readonly entry: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

export interface ProcessEngine {
  /** What DOCKER_HOST has to be. */
  readonly host: string;
  /** Arguments and process of all containers there were. */
  readonly containers: readonly Container[];
  stop(): Promise<void>;
}

export interface Container {
  readonly id: string;
  readonly args: readonly string[];
  child: ChildProcess | null;
  /** Null while it runs, or has not begun. */
  status: number | null;
  log: { readonly stream: 'stdout' | 'stderr'; readonly text: string; readonly at: string }[];
}

interface Wanted {
  readonly Cmd?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
}

export async function startProcessEngine(image: Image): Promise<ProcessEngine> {
  const containers: Container[] = [];
  const environments = new Map<string, NodeJS.ProcessEnv>();

  function create({ Cmd, Env }: Wanted): Container {
    const container: Container = {
      id: randomBytes(32).toString('hex'),
      args: Cmd ?? [],
      child: null,
      status: null,
      log: [],
    };
    const pairs = (Env ?? []).map((pair) => [
      pair.slice(0, pair.indexOf('=')),
      pair.slice(pair.indexOf('=') + 1),
    ]);
    environments.set(container.id, Object.fromEntries(pairs) as NodeJS.ProcessEnv);
    containers.push(container);
    return container;
  }

  function start(container: Container): void {
    const [program = '', ...args] = [...image.entry, ...container.args];
    const env = { ...image.environment, ...withArrayIndex(environments.get(container.id) ?? {}) };
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    container.child = child;
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        container.log.push({ stream, text, at: new Date().toISOString() });
      });
    }
    child.on('close', (code, signal) => {
      container.status = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    });
  }

  function kill({ child }: Container, signal: NodeJS.Signals): void {
    try {
      if (child?.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has ended.
    }
  }

  async function answer(method: string, url: URL, body: string): Promise<[status: number, text: string]> {
    const path = url.pathname.replace(/^\/v[\d.]+/, '');
    if (path === '/version') return [200, JSON.stringify({ ApiVersion: '1.41', MinAPIVersion: '1.24' })];
    if (path.startsWith('/images/'))
      return [200, JSON.stringify({ Id: 'sha256:0', RepoTags: [], Config: {} })];
    if (path === '/containers/create') {
      return [201, JSON.stringify({ Id: create(JSON.parse(body) as Wanted).id, Warnings: [] })];
    }
    const [, id, verb = ''] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const container = containers.find((one) => one.id === id);
    if (container === undefined) return [404, JSON.stringify({ message: `nothing at ${path}` })];
    if (method === 'DELETE') return [204, ''];
    if (verb === 'json') return [200, JSON.stringify(described(container))];
    if (verb === 'start') {
      start(container);
      return [204, ''];
    }
    if (verb === 'kill') {
      kill(container, 'SIGKILL');
      return [204, ''];
    }
    if (verb === 'logs') return [200, logOf(container, url.searchParams)];
    if (verb === 'wait') {
      if (container.status === null && container.child) await once(container.child, 'close');
      return [200, JSON.stringify({ StatusCode: container.status })];
    }
    return [404, JSON.stringify({ message: `nothing at ${path}` })];
  }

  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      answer(request.method ?? '', new URL(request.url ?? '/', 'http://engine'), body).then(
        ([status, text]) => response.writeHead(status, { 'content-type': 'application/json' }).end(text),
        (error: unknown) => response.writeHead(500).end(JSON.stringify({ message: String(error) })),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    containers,
    async stop() {
      for (const container of containers) if (container.status === null) kill(container, 'SIGKILL');
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Batch tells a container of an array its index, which moto only puts into its id. */
function withArrayIndex(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const [, index] = /:(\d+)$/.exec(environment['AWS_BATCH_JOB_ID'] ?? '') ?? [];
  return index === undefined ? environment : { ...environment, AWS_BATCH_JOB_ARRAY_INDEX: index };
}

function described({ id, child, status }: Container): unknown {
  const state = child === null ? 'created' : status === null ? 'running' : 'exited';
  return {
    Id: id,
    Image: 'sha256:0',
    // With a terminal the log is plain text, without one it comes in frames.
    Config: { Tty: true },
    State: { Status: state, Running: state === 'running', ExitCode: status ?? 0 },
    NetworkSettings: { Networks: {}, IPAddress: '127.0.0.1' },
  };
}

/** With the time before each line, as moto asks for it. */
function logOf({ log }: Container, asked: URLSearchParams): string {
  const isWanted = (stream: string): boolean => /^(1|true)$/i.test(asked.get(stream) ?? '');
  return log
    .filter(({ stream }) => isWanted(stream))
    .flatMap(({ text, at }) => text.split('\n').flatMap((line) => (line === '' ? [] : [`${at} ${line}\n`])))
    .join('');
}
