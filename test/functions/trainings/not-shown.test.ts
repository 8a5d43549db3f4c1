/** What DescribeJobs leaves out: it takes its time with what was just submitted, and forgets what ended some days ago. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BatchClient, JobDetail } from '@aws-sdk/client-batch';
import { createImport, createJob, updateJob } from '../../../core/jobs/job.ts';
import type { Job } from '../../../core/jobs/job.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { BatchTrainings } from '../../../functions/trainings/batch/trainings.ts';

const LATER_MS = 11 * 60_000;
const store = memoryStore();
const target = { queue: 'queue', definition: 'definition' };

/** A Batch that takes all, and tells of those jobs that it is asked to. */
function batch(told: Record<string, JobDetail['status']> = {}): BatchTrainings {
  let submitted = 0;
  const answers: Record<string, () => object> = {
    SubmitJobCommand: () => ({ jobId: `job-${++submitted}` }),
    DescribeJobsCommand: () => ({
      jobs: Object.entries(told).map(([jobId, status]) => ({ jobId, status, jobName: jobId })),
    }),
  };
  const send = async (command: object): Promise<object> => answers[command.constructor.name]?.() ?? {};
  const client = { send, destroy: () => undefined } as unknown as BatchClient;
  const trouble = (): void => undefined;
  return new BatchTrainings({
    store,
    trouble,
    client,
    gpu: target,
    cpu: null,
    imports: target,
    smallPictures: 0,
  });
}

async function training(): Promise<Job> {
  const rest = { testSet: null, holdOut: 0.2, recipe: 'metric', options: {}, seed: 0, promote: false };
  return createJob(store, { dataSet: 'd', model: 'm', ...rest });
}

describe('a job that Batch does not tell of', () => {
  it('is about to begin when it was just submitted, and has failed when it does not show', async (t) => {
    const trainings = batch();
    const job = await training();
    await trainings.offer(job.id);

    const [seen] = await trainings.look([job]);
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + LATER_MS });
    const [later] = await trainings.look([job]);

    assert.deepEqual([seen?.job.state, seen?.waiting.map(({ code }) => code)], ['queued', ['starting']]);
    assert.deepEqual([later?.job.state, later?.job.error?.message], ['failed', 'Batch knows no such job']);
  });

  it('goes on while somebody works on it', async (t) => {
    const trainings = batch();
    const { id } = await training();
    await trainings.offer(id);
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + LATER_MS });
    const at = new Date().toISOString();
    const owner = { token: 'a', host: 'elsewhere', pid: 1, since: at, seenAt: at };
    const job = await updateJob(store, id, (before) => ({ ...before, state: 'running', owner }));

    const [seen] = await trainings.look([job]);

    assert.deepEqual([seen?.job.state, seen?.interrupted], ['running', false]);
  });

  it('is not over because the first of its jobs is', async () => {
    const trainings = batch({ 'job-1': 'SUCCEEDED' });
    const asked = { dataSet: 'd', model: 'm', version: 1, parts: 3 };
    const job = await createImport(store, asked);
    await trainings.offer(job.id);

    const [seen] = await trainings.look([job]);

    assert.equal(seen?.job.state, 'queued');
  });
});
