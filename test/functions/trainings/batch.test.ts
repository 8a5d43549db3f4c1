import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  UpdateComputeEnvironmentCommand,
} from '@aws-sdk/client-batch';
import type { BatchClient } from '@aws-sdk/client-batch';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { createJob, readJob } from '../../../core/jobs/job.ts';
import type { Job } from '../../../core/jobs/job.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { openStore } from '../../../core/storage/open.ts';
import { recipes } from '../../../core/training/recipes/index.ts';
import { BatchFacts } from '../../../functions/trainings/batch/facts.ts';
import { obstaclesOf } from '../../../functions/trainings/batch/obstacles.ts';
import { RECIPE_OPTIONS } from '../../../functions/trainings/batch/recipe-options.ts';
import { BatchTrainings, batchClient } from '../../../functions/trainings/batch/trainings.ts';
import type { BatchOptions } from '../../../functions/trainings/batch/trainings.ts';
import { Workplace } from '../../cli/support.ts';
import { startMoto } from '../../support/aws.ts';
import type { Emulator } from '../../support/aws.ts';
import { startProcessEngine } from '../../support/process-engine.ts';
import type { Container, ProcessEngine } from '../../support/process-engine.ts';
import { missingPackages } from '../../support/python.ts';
import { trainingCommand } from '../../support/training-command.ts';
import { trainingsContract } from './contract.ts';
import type { Place } from './contract.ts';

const ENTRY = fileURLToPath(new URL('../../../bin/kindred-batch.mjs', import.meta.url));
const skip = (await missingPackages('aws')) ?? false;

/** moto with a queue whose containers are processes of this machine, and a registry in its S3. */
class BatchPlace implements Place {
  readonly registry: Registry;
  readonly engine: ProcessEngine;
  readonly client: BatchClient;
  readonly #moto: Emulator;
  readonly #workplace: Workplace;

  private constructor(workplace: Workplace, engine: ProcessEngine, moto: Emulator, client: BatchClient) {
    this.#workplace = workplace;
    this.engine = engine;
    this.#moto = moto;
    this.client = client;
    this.registry = openRegistry(openStore('s3://kindred'));
  }

  static async open(): Promise<BatchPlace> {
    const workplace = new Workplace();
    const engine = await startProcessEngine({
      entry: [process.execPath, ENTRY],
      environment: { ...process.env, KINDRED_CACHE: workplace.in('cache'), TMPDIR: workplace.in('tmp') },
    });
    const moto = await startMoto(engine.host);
    Object.assign(process.env, moto.environment);
    const place = new BatchPlace(workplace, engine, moto, await batchClient());
    try {
      await slowly(moto);
      await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'kindred' }));
      await makeQueue(place.client, moto.environment);
      return place;
    } catch (error) {
      await place.close();
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
      gpu: { queue: 'trainings', definition: 'training' },
      cpu: null,
      smallPictures: 0,
      ...rest,
    });

  jobs = async (): Promise<number> => {
    const statuses = [
      'SUBMITTED',
      'PENDING',
      'RUNNABLE',
      'STARTING',
      'RUNNING',
      'SUCCEEDED',
      'FAILED',
    ] as const;
    const lists = await Promise.all(
      statuses.map(async (jobStatus) =>
        this.client.send(new ListJobsCommand({ jobQueue: 'trainings', jobStatus })),
      ),
    );
    return lists.reduce((sum, { jobSummaryList = [] }) => sum + jobSummaryList.length, 0);
  };

  async close(): Promise<void> {
    await this.engine.stop();
    await this.#moto.stop();
    this.#workplace.close();
  }
}

/** A job is for a second in each of Batch's states, as it would be for longer at AWS. */
async function slowly({ environment }: Emulator): Promise<void> {
  const response = await fetch(`${environment['AWS_ENDPOINT_URL']}/moto-api/state-manager/set-transition`, {
    method: 'POST',
    body: JSON.stringify({ model_name: 'batch::job', transition: { progression: 'time', seconds: 1 } }),
  });
  assert.equal(response.status, 201);
}

async function makeQueue(client: BatchClient, environment: Readonly<Record<string, string>>): Promise<void> {
  const role = {
    Action: 'CreateRole',
    Version: '2010-05-08',
    RoleName: 'batch',
    AssumeRolePolicyDocument: '{}',
  };
  const made = await fetch(String(environment['AWS_ENDPOINT_URL']), {
    method: 'POST',
    body: new URLSearchParams(role),
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request' },
  });
  assert.equal(made.status, 200, await made.text());
  await client.send(
    new CreateComputeEnvironmentCommand({
      computeEnvironmentName: 'machines',
      type: 'UNMANAGED',
      state: 'ENABLED',
      serviceRole: 'arn:aws:iam::123456789012:role/batch',
    }),
  );
  await client.send(
    new CreateJobQueueCommand({
      jobQueueName: 'trainings',
      state: 'ENABLED',
      priority: 1,
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: 'machines' }],
    }),
  );
  await client.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: 'training',
      type: 'container',
      containerProperties: {
        image: 'localhost/training',
        command: trainingCommand('s3://kindred'),
        environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
        resourceRequirements: [
          { type: 'VCPU', value: '4' },
          { type: 'MEMORY', value: '14000' },
        ],
      },
    }),
  );
}

const opened = skip === false ? BatchPlace.open() : null;
opened?.catch(() => undefined);

trainingsContract(
  'on AWS Batch',
  async () => {
    const { registry, trainings, jobs } = (await opened) as BatchPlace;
    return { registry, trainings, jobs, close: async () => undefined };
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

  it('whose container ended without a word has failed, for what Batch says', async () => {
    const { id } = await newJob();
    await trainings.offer(id);
    while (!place.engine.containers.some(({ args, child }) => args.includes(id) && child !== null))
      await sleep(50);
    const { child } = place.engine.containers.find(({ args }) => args.includes(id)) as Container;
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

describe('the options of a training on AWS Batch', () => {
  it('are checked by what the recipes say of themselves', () => {
    const told = Object.fromEntries(
      Object.entries(recipes).map(([name, { options }]) => {
        const { $schema: _, ...schema } = z.toJSONSchema(options, { io: 'input' });
        return [name, schema];
      }),
    );

    assert.deepEqual(RECIPE_OPTIONS, told, 'write them anew: node scripts/write-recipe-options.mjs');
  });
});
