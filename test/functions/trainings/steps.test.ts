import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobDetail } from '@aws-sdk/client-batch';
import { createImport, createJob } from '../../../core/jobs/job.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { currentOf } from '../../../functions/trainings/batch/current.ts';
import { stepsOf } from '../../../functions/trainings/batch/steps.ts';

const detail = (jobId: string, status: JobDetail['status'], more: Partial<JobDetail> = {}): JobDetail =>
  ({ jobId, status, ...more }) as JobDetail;
const array = (status: JobDetail['status'], statusSummary: Record<string, number>): JobDetail =>
  detail('parts', status, { arrayProperties: { size: 3, statusSummary } });

describe('the jobs of AWS Batch for one job', () => {
  const asked = { dataSet: 'd', model: 'm', version: 1 };

  it('are one for a training, and for an import a listing, an array, and what publishes', async () => {
    const store = memoryStore();
    const many = await createImport(store, { ...asked, parts: 3 });
    const one = await createImport(store, { ...asked, parts: 1 });
    const training = await createJob(store, {
      dataSet: 'd',
      testSet: null,
      holdOut: 0.2,
      model: 'm',
      recipe: 'metric',
      options: {},
      seed: 0,
      promote: false,
    });

    assert.deepEqual(stepsOf(training), [
      { name: `kindred-${training.id}`, parameters: { job: training.id } },
    ]);
    assert.deepEqual(stepsOf(many), [
      { name: `kindred-${many.id}-plan`, parameters: { job: many.id, step: 'plan' } },
      { name: `kindred-${many.id}-parts`, parameters: { job: many.id, step: 'embed' }, size: 3 },
      { name: `kindred-${many.id}`, parameters: { job: many.id, step: 'publish' } },
    ]);
    // An array has at least two.
    assert.deepEqual(
      stepsOf(one).map(({ size }) => size),
      [undefined, undefined, undefined],
    );
  });

  it('are where the first of them is that has not succeeded', () => {
    const plan = detail('plan', 'SUCCEEDED');
    const last = detail('last', 'PENDING');
    const at = (...details: JobDetail[]): [string, string | undefined, string | undefined] => {
      const current = currentOf(details);
      return [current.status, current.detail.jobId, current.detail.status];
    };

    assert.deepEqual(at(detail('plan', 'RUNNABLE'), array('PENDING', {}), last), [
      'waiting',
      'plan',
      'RUNNABLE',
    ]);
    assert.deepEqual(at(plan, array('PENDING', { RUNNABLE: 3 }), last), ['waiting', 'parts', 'RUNNABLE']);
    assert.deepEqual(at(plan, array('PENDING', { RUNNABLE: 2, STARTING: 1 }), last), [
      'waiting',
      'parts',
      'STARTING',
    ]);
    assert.equal(at(plan, array('PENDING', { SUCCEEDED: 1, RUNNING: 1 }), last)[0], 'running');
    // What comes after it can never begin.
    assert.equal(at(plan, array('PENDING', { FAILED: 1, RUNNING: 1 }), last)[0], 'failed');
    assert.deepEqual(at(plan, array('SUCCEEDED', { SUCCEEDED: 3 }), last), ['waiting', 'last', 'PENDING']);
    assert.deepEqual(at(plan, array('SUCCEEDED', {}), detail('last', 'SUCCEEDED')), [
      'succeeded',
      'last',
      'SUCCEEDED',
    ]);
  });
});
