import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { UpdateComputeEnvironmentCommand } from '@aws-sdk/client-batch';
import type { BatchClient } from '@aws-sdk/client-batch';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { createImport, createJob, readJob } from '../../../core/jobs/job.ts';
import type { Job } from '../../../core/jobs/job.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { openStore } from '../../../core/storage/open.ts';
import { batchClient } from '../../../functions/trainings/batch/client.ts';
import { BatchFacts } from '../../../functions/trainings/batch/facts.ts';
import { obstaclesOf } from '../../../functions/trainings/batch/obstacles.ts';
import { BatchTrainings } from '../../../functions/trainings/batch/trainings.ts';
import type { BatchOptions } from '../../../functions/trainings/batch/trainings.ts';
import { BatchEmulator, DEFINITION, IMPORT_DEFINITION, QUEUE } from '../../support/batch.ts';
import type { Container } from '../../support/process-engine.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { missingPackages } from '../../support/python.ts';
import { trainingsContract } from './contract.ts';
import type { Place } from './contract.ts';

const skip = (await missingPackages('aws')) ?? false;

const BUCKET = 's3://kindred';

/** Trainings on an emulated Batch, with the registry in the S3 beside it. */
class BatchPlace implements Place {
  readonly registry: Registry;
  readonly batch: BatchEmulator;
  readonly client: BatchClient;

  private constructor(batch: BatchEmulator, client: BatchClient) {
    this.batch = batch;
    this.client = client;
    this.registry = openRegistry(openStore(BUCKET));
  }

  static async open(): Promise<BatchPlace> {
    const batch = await BatchEmulator.start();
    try {
      // As in Lambda, clients find their way by the environment.
      Object.assign(process.env, batch.environment);
      await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'kindred' }));
      await batch.makeQueue(BUCKET, batch.environment);
      return new BatchPlace(batch, batchClient());
    } catch (error) {
      await batch.close();
      throw error;
    }
  }

  trainings = (
    shared: Pick<BatchOptions, 'store' | 'trouble'>,
    rest: Partial<BatchOptions> = {},
  ): BatchTrainings =>
    new BatchTrainings({
      ...shared,
      client: this.client,
      gpu: { queue: QUEUE, definition: DEFINITION },
      cpu: null,
      imports: { queue: QUEUE, definition: IMPORT_DEFINITION },
      smallPictures: 0,
      ...rest,
    });

  jobs = async (): Promise<number> => this.batch.jobs();

  steps = async (job: string): Promise<string[]> => {
    const own = (): readonly Container[] =>
      this.batch.containers.filter(({ args, child }) => args.includes(job) && child !== null);
    while (own().some(({ status }) => status === null)) await sleep(50);
    return own().map(({ args }) => args[args.indexOf('--step') + 1] ?? '');
  };

  close(): Promise<void> {
    return this.batch.close();
  }
}

const opened = skip === false ? BatchPlace.open() : null;
opened?.catch(() => undefined);

trainingsContract(
  'on AWS Batch',
  async () => {
    const { registry, trainings, jobs, steps } = (await opened) as BatchPlace;
    return { registry, trainings, jobs, steps, close: async () => undefined };
  },
  skip,
);

describe('a training on AWS Batch', { skip }, () => {
  let place: BatchPlace;
  let trainings: BatchTrainings;
  const trouble: unknown[] = [];
  before(async () => {
    place = (await opened) as BatchPlace;
    trainings = place.trainings({ store: place.registry.store, trouble: (error) => trouble.push(error) });
  });
  after(async () => {
    await place?.close();
  });

  const newJob = (): Promise<Job> =>
    createJob(place.registry.store, {
      dataSet: 'clothes',
      testSet: null,
      holdOut: 0,
      model: 'never-made',
      recipe: 'metric',
      // Its program ends with an error at once.
      options: { size: 'none' },
      seed: 0,
      promote: false,
    });

  it('is submitted once by many at once, and by one who comes after another was killed in between', async () => {
    const job = await newJob();
    const sofar = await place.jobs();
    await Promise.all(Array.from({ length: 8 }, async () => trainings.offer(job.id)));
    const key = `jobs/${job.id}/batch.json`;
    const { store } = place.registry;
    const kept = JSON.parse(Buffer.from((await store.get(key))?.bytes ?? []).toString()) as {
      batchJob: string;
    };
    // As it is when whoever submitted was killed before the answer came.
    const killed = { ...kept, batchJob: null, at: new Date(Date.now() - 120_000).toISOString() };
    await store.put(key, Buffer.from(JSON.stringify(killed)));
    await trainings.offer(job.id);

    assert.equal((await place.jobs()) - sofar, 1);
    const again = JSON.parse(Buffer.from((await store.get(key))?.bytes ?? []).toString()) as {
      batchJob: string;
    };
    assert.equal(again.batchJob, kept.batchJob);
  });

  it('is submitted once also when the answer to that was lost', async () => {
    const proxy = await startFaultProxy(place.batch.port);
    let submissions = 0;
    proxy.onRequest((request) =>
      request.path.endsWith('/submitjob') && ++submissions === 1 ? { kind: 'lose-answer' } : undefined,
    );
    const wasThere = process.env['AWS_ENDPOINT_URL_BATCH'];
    process.env['AWS_ENDPOINT_URL_BATCH'] = `http://127.0.0.1:${proxy.port}`;
    const cut = place.trainings(
      { store: place.registry.store, trouble: () => undefined },
      { client: batchClient() },
    );
    try {
      const job = await newJob();
      const sofar = await place.jobs();
      const lost = await cut.offer(job.id).then(
        () => null,
        (error: { status?: number }) => error.status,
      );
      await cut.offer(job.id);

      assert.equal(lost, 503);
      assert.deepEqual([(await place.jobs()) - sofar, submissions], [1, 1]);
    } finally {
      if (wasThere === undefined) delete process.env['AWS_ENDPOINT_URL_BATCH'];
      else process.env['AWS_ENDPOINT_URL_BATCH'] = wasThere;
      await cut.close();
      await proxy.stop();
    }
  });

  it('whose container ended without a word has failed, for what Batch says', async () => {
    const { id } = await newJob();
    await trainings.offer(id);
    while (!place.batch.containers.some(({ args, child }) => args.includes(id) && child !== null))
      await sleep(50);
    const { child } = place.batch.containers.find(({ args }) => args.includes(id)) as Container;
    process.kill(-(child?.pid as number), 'SIGKILL');
    for (;;) {
      const [seen] = await trainings.look([await readJob(place.registry.store, id)]);
      if (seen?.job.state === 'failed') break;
      await sleep(100);
    }

    const { state, error } = await readJob(place.registry.store, id);
    assert.deepEqual(
      [state, error],
      ['failed', { code: 'unexpected', message: 'its container ended without a word' }],
    );
  });

  it('of an import begins no step after one that has failed, and says why', async () => {
    const { store } = place.registry;
    const { id } = await createImport(store, {
      dataSet: 'clothes',
      model: 'never-made',
      version: 1,
      parts: 2,
    });
    await trainings.offer(id);
    for (;;) {
      const [seen] = await trainings.look([await readJob(store, id)]);
      if (seen?.job.state === 'failed') break;
      await sleep(100);
    }

    const { error } = await readJob(store, id);
    assert.equal(error?.code, 'not-found');
    assert.match(error?.message ?? '', /never-made/);
    const steps = place.batch.containers.filter(({ args }) => args.includes(id));
    assert.deepEqual(
      steps.map(({ args }) => args[args.indexOf('--step') + 1]),
      ['plan'],
    );
  });

  it('is not taken when too many wait, nor when Batch cannot be asked', async () => {
    const full = place.trainings({ store: place.registry.store, trouble: () => undefined }, { waiting: 0 });
    const lost = place.trainings(
      { store: place.registry.store, trouble: () => undefined },
      { gpu: { queue: 'none', definition: 'training' } },
    );

    await assert.rejects(full.room(), { status: 503, code: 'busy' });
    await assert.rejects(lost.room(), { status: 503, code: 'batch-unavailable' });
  });

  it('goes where it fits: few pictures need no GPU', async () => {
    const none = { queue: 'none', definition: 'training' };
    const own = { queue: 'trainings', definition: 'training' };
    const { store } = place.registry;
    const offer = async (smallPictures: number): Promise<void> => {
      const both = place.trainings(
        { store, trouble: () => undefined },
        { gpu: none, cpu: own, smallPictures },
      );
      await both.offer((await newJob()).id);
    };

    await offer(12);
    await assert.rejects(offer(11), { code: 'batch-unavailable' });
  });

  it('waits for what AWS says is in its way', async () => {
    const waiting = { jobQueue: 'trainings', jobId: 'x', status: 'RUNNABLE' as const, createdAt: 0 };
    const ask = async () => new BatchFacts({ client: place.client, trouble: () => undefined }).of(waiting);
    const free = await ask();
    await place.client.send(
      new UpdateComputeEnvironmentCommand({ computeEnvironment: 'machines', state: 'DISABLED' }),
    );
    const off = await ask();

    assert.deepEqual(
      obstaclesOf(free).map(({ code }) => code),
      ['starting'],
    );
    assert.deepEqual(
      obstaclesOf(off).map(({ code }) => code),
      ['disabled'],
    );
  });
});
