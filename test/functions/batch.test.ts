import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createJob, readJob } from '../../core/jobs/job.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { openStore } from '../../core/storage/open.ts';
import { SAMPLES, Workplace } from '../cli/support.ts';
import { whyNoGo } from '../support/go-programs.ts';
import { startS3 } from '../support/s3-server.ts';
import type { S3Server } from '../support/s3-server.ts';

const ENTRY = fileURLToPath(new URL('../../bin/kindred-batch.mjs', import.meta.url));
const INTERRUPTED = 75;
const OPTIONS = { size: 64, scales: [1], dimensions: 16, classes: 3, pictures: 2, stepsPerEpoch: 2 };
/** Long enough to be interrupted twice, short enough to be waited for. */
const WHOLE = { ...OPTIONS, epochs: 16, patience: 1000, caution: 0, enough: 0 };
const ENDLESS = { ...WHOLE, epochs: 100_000, patience: 100_000 };

interface Started {
  readonly child: ChildProcess;
  readonly told: () => string;
  readonly ended: Promise<number | string | null>;
}

describe('the container of AWS Batch, on a registry in S3', { skip: whyNoGo() }, () => {
  let server: S3Server;
  let workplace: Workplace;
  let registry: Registry;
  let uri: string;
  const running = new Set<number>();

  before(async () => {
    server = await startS3();
    workplace = new Workplace();
    uri = `s3://${await server.bucket()}`;
    registry = openRegistry(openStore(uri, { s3: server.options }));
    for (const className of ['hat', 'pants', 'shoes']) {
      const folder = path.join(SAMPLES, 'train', className);
      for (const file of readdirSync(folder).toSorted().slice(0, 4)) {
        const bytes = new Uint8Array(readFileSync(path.join(folder, file)));
        await registry.addToDataSet('clothes', { className, file, bytes });
      }
    }
  });
  after(async () => {
    for (const pid of running) killAll(pid);
    workplace.close();
    await server.stop();
  });

  /** Ends all processes of a container at once, as the end of its machine does. */
  function killAll(pid: number): void {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // They have ended.
    }
  }

  /** Starts the container's program with the arguments of the job definition. */
  function start(job: string, attempt: number, environment: Record<string, string> = {}): Started {
    const { KINDRED_REGISTRY: _, ...inherited } = process.env;
    const args = [ENTRY, 'train', '--resume', job, '--registry', uri, '--json'];
    const child = spawn(process.execPath, args, {
      cwd: workplace.folder,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...inherited,
        ...server.environment,
        KINDRED_CACHE: workplace.in('cache'),
        TMPDIR: workplace.in('tmp'),
        AWS_BATCH_JOB_ID: `batch-${job}`,
        AWS_BATCH_JOB_ATTEMPT: String(attempt),
        ...environment,
      },
    });
    const pid = child.pid as number;
    running.add(pid);
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    const ended = once(child, 'close').then(([code, signal]) => {
      running.delete(pid);
      return (code ?? signal) as number | string | null;
    });
    return { child, told: () => told, ended };
  }

  function newJob(model: string, options: typeof WHOLE): Promise<{ id: string }> {
    const request = { dataSet: 'clothes', testSet: null, holdOut: 0, model, recipe: 'metric', options };
    return createJob(registry.store, { ...request, seed: 1, promote: true }, { via: 'http' });
  }

  async function untilEpoch(epoch: number, { told, ended }: Started): Promise<void> {
    let over = false;
    void ended.then(() => (over = true));
    while (!told().includes(`epoch ${epoch}/`)) {
      assert.ok(!over, `it ended before epoch ${epoch}:\n${told()}`);
      await sleep(20);
    }
  }

  it('stopped by SIGTERM, then killed with its machine, goes on and publishes one version', async () => {
    const { id } = await newJob('clothes', WHOLE);
    const first = start(id, 1);
    await untilEpoch(2, first);
    first.child.kill('SIGTERM');
    const status = await first.ended;
    const afterTerm = await readJob(registry.store, id);

    const second = start(id, 2);
    await untilEpoch(5, second);
    killAll(second.child.pid as number);
    await second.ended;
    const afterKill = await readJob(registry.store, id);

    const third = start(id, 3);
    const last = await third.ended;

    assert.equal(status, INTERRUPTED, first.told());
    assert.deepEqual([afterTerm.state, afterTerm.attempts], ['queued', 1]);
    assert.equal(afterKill.state, 'running');
    assert.equal(last, 0, third.told());
    const { state, attempts, result } = await readJob(registry.store, id);
    assert.deepEqual([state, attempts, result?.version], ['succeeded', 3, 1]);
    assert.doesNotMatch(second.told() + third.told(), /epoch 1\//);
    assert.deepEqual(await registry.versions('clothes'), [1]);
    assert.deepEqual(await registry.verify('clothes', 1), []);
  });

  it('leaves a job alone that another one works on, which the machine tells that it is about to be taken away', async () => {
    const asked: string[] = [];
    let isNear = false;
    const metadata = http.createServer((request, response) => {
      const token = String(request.headers['x-aws-ec2-metadata-token'] ?? '');
      asked.push(`${request.method} ${request.url} ${token}`);
      if (request.method === 'PUT') response.end('a-token');
      else if (isNear) response.end(JSON.stringify({ action: 'terminate', time: '2026-11-24T08:22:00Z' }));
      else response.writeHead(404).end();
    });
    metadata.listen(0, '127.0.0.1');
    await once(metadata, 'listening');
    try {
      const { id } = await newJob('noticed', ENDLESS);
      const container = start(id, 1, {
        AWS_EXECUTION_ENV: 'AWS_ECS_EC2',
        AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`,
      });
      await untilEpoch(1, container);
      const other = start(id, 2, { AWS_BATCH_JOB_ID: 'another' });
      const status = await other.ended;
      isNear = true;
      while ((await readJob(registry.store, id)).state !== 'queued') await sleep(100);
      // It is held until its machine ends, lest it is begun again there.
      const early = await Promise.race([container.ended, sleep(500, 'held')]);
      container.child.kill('SIGTERM');

      assert.equal(status, 1);
      assert.match(other.told(), /is being worked on/);
      assert.equal(early, 'held');
      assert.equal(await container.ended, INTERRUPTED);
      assert.match(container.told(), /about to be taken away/);
      assert.deepEqual(asked.slice(0, 2), [
        'PUT /latest/api/token ',
        'GET /latest/meta-data/spot/instance-action a-token',
      ]);
    } finally {
      metadata.close();
      metadata.closeAllConnections();
    }
  });
});
