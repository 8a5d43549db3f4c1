import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Options } from '../../core/storage/s3/options.ts';
import { goProgram } from './go-programs.ts';

// The tests' own client, and those of the code under test: the client notes on old versions of Node what concerns nobody here.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** A server on this machine, which ends with `stop`. */
export interface S3Server {
  readonly port: number;
  readonly options: S3Options;
  /** What lets a process reach it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Makes a new bucket and gives its name. */
  bucket(): Promise<string>;
  /** Stores an object as others do: not by Kindred. */
  put(bucket: string, key: string, bytes: Uint8Array): Promise<void>;
  /** Uploads in parts that were begun and neither completed nor aborted. */
  openUploads(bucket: string): Promise<number>;
  stop(): Promise<void>;
}

const START_TRIES = 3;
const CREDENTIALS = { accessKeyId: 'kindred-test', secretAccessKey: 'a secret of the tests' };

/** Starts versitygw on a folder of its own. Ask `whyNoGo` first. */
export async function startS3(): Promise<S3Server> {
  const program = await goProgram('versitygw');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kindred-s3-'));
  const data = path.join(folder, 'data');
  await mkdir(data);
  const { port, stop } = await startServer(
    program,
    (free) => ['--port', `127.0.0.1:${free}`, '--quiet', '--keep-alive', 'posix', data],
    { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey },
  );
  const options = optionsFor(port);
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
  });
  let buckets = 0;
  return {
    port,
    options,
    environment: {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: 'us-east-1',
    },
    async bucket() {
      const Bucket = `bucket-${++buckets}`;
      await client.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
    async put(bucket, key, bytes) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
    },
    async openUploads(bucket) {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return Uploads.length;
    },
    async stop() {
      client.destroy();
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How to reach the server, or what stands before it, on that port. */
export function optionsFor(port: number, rest: S3Options = {}): S3Options {
  return { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials: CREDENTIALS, ...rest };
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a program on a free port and waits until it listens there; gives the port and what ends it. */
export async function startServer(
  program: string,
  argsOf: (port: number) => readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    try {
      return { port, stop: await startOn(port, program, argsOf(port), environment) };
    } catch (error) {
      if (tries >= START_TRIES) throw error; // somebody else may have taken the port meanwhile
    }
  }
}

async function startOn(
  port: number,
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<() => Promise<void>> {
  const env = { ...process.env, ...environment };
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  const ended = once(child, 'exit');
  // A test file that fails early must leave nothing running.
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${complaints}`);
    await sleep(20);
  }
  return async () => {
    process.removeListener('exit', end);
    end();
    await ended;
  };
}

/** Whether somebody listens there. @param at a port of 127.0.0.1, or the path of a socket */
export async function answers(at: number | string): Promise<boolean> {
  const socket = typeof at === 'number' ? net.connect(at, '127.0.0.1') : net.connect(at);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
