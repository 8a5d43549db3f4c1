/** How jobs end that something else runs, at moments that are hard to meet: with processes and a Batch that do as they are told. */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchClient } from '@aws-sdk/client-batch';
import { CancelledError } from '../../../core/errors.ts';
import { requestCancel } from '../../../core/jobs/cancel.ts';
import { failureOf } from '../../../core/jobs/failure.ts';
import { createImport, createJob, readJob, updateJob } from '../../../core/jobs/job.ts';
import type { Job } from '../../../core/jobs/job.ts';
import { leaveJob, takeJob } from '../../../core/jobs/owner.ts';
import type { Hold } from '../../../core/jobs/owner.ts';
import { resumeJob } from '../../../core/jobs/resume.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { intercepted } from '../../core/registry/support.ts';
import { BatchTrainings } from '../../../functions/trainings/batch/trainings.ts';
import { TrainingRunner } from '../../../functions/trainings/runner.ts';

const wanted = { dataSet: 'd', model: 'm', version: 1, parts: 3 };

const newImport = (store: ObjectStore): Promise<Job> => createImport(store, wanted, { via: 'http' });
const newTraining = (store: ObjectStore): Promise<Job> => {
  const asked = { dataSet: 'd', testSet: null, holdOut: 0, model: 'm', recipe: 'metric', options: {} };
  return createJob(store, { ...asked, seed: 0, promote: false }, { via: 'http' });
};

/** A script of which the first process ends in this way once it is released; further ones run on. */
function whenReleased(end: string): { readonly script: string; readonly release: () => void } {
  const flag = path.join(mkdtempSync(path.join(tmpdir(), 'kindred-ends-')), 'released');
  const taken = `require('fs').rmSync(${JSON.stringify(path.dirname(flag))}, { recursive: true })`;
  const script = `setInterval(() => { if (require('fs').existsSync(${JSON.stringify(flag)})) { ${taken}; ${end}; } }, 10)`;
  return { script, release: () => writeFileSync(flag, '') };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(10);
}

describe('a job in a process of this machine', () => {
  /** A server's jobs, each of which is a process that runs this script. */
  function runner(store: ObjectStore, script: string) {
    const begun: string[] = [];
    const trouble: string[] = [];
    const trainings = new TrainingRunner({
      store,
      command: (job) => {
        begun.push(job);
        return [process.execPath, '--eval', script];
      },
      lookMs: 20,
      trouble: (error) => trouble.push(String(error)),
    });
    return { trainings, begun, trouble };
  }

  it('that ended without noting why has failed with what it said, and the log alone has where that was', async () => {
    const store = memoryStore();
    const script = `console.error('unexpected TypeError: x is gone\\n    at f (/opt/kindred/x.ts:1:2)'); process.exit(1)`;
    const { trainings, trouble } = runner(store, script);
    const { id } = await newTraining(store);
    await trainings.offer(id);
    await until(async () => (await readJob(store, id)).state === 'failed');
    await trainings.close();

    assert.deepEqual((await readJob(store, id)).error, {
      code: 'unexpected',
      message: 'TypeError: x is gone',
    });
    assert.match(trouble.join('\n'), /\/opt\/kindred\/x\.ts:1:2/);
  });

  it('that was cancelled and is gone on with before its process has ended is begun again after that', async () => {
    const store = memoryStore();
    const { trainings, begun } = runner(store, 'setTimeout(() => undefined, 60_000)');
    const { id } = await newTraining(store);
    await trainings.offer(id);
    await until(() => begun.length === 1);
    await requestCancel(store, id);
    await trainings.cancelled(id);
    await resumeJob(store, id, 'http');
    await trainings.offer(id);
    await until(() => begun.length === 2);
    const { state, error } = await readJob(store, id);
    await trainings.close();

    assert.deepEqual([state, error], ['queued', null]);
  });

  it('whose process was stopped and put it back is begun again: what stops the server may stop that first', async () => {
    const store = memoryStore();
    const { script, release } = whenReleased('process.exit(1)');
    const { trainings, begun } = runner(store, script);
    const { id } = await newTraining(store);
    await trainings.offer(id);
    await until(() => begun.length === 1);
    const hold = await takeJob(store, id, { unattended: true });
    await leaveJob(store, hold as Hold, failureOf(new CancelledError('Stopped.')));
    release();
    await until(() => begun.length === 2);
    const { state, error } = await readJob(store, id);
    await trainings.close();

    assert.deepEqual([state, error], ['queued', null]);
  });

  it('that was to be cancelled is so when its process is killed before it hears of that', async () => {
    const store = memoryStore();
    const { script, release } = whenReleased(`process.kill(process.pid, 'SIGKILL')`);
    const { trainings, begun } = runner(store, script);
    const { id } = await newTraining(store);
    await trainings.offer(id);
    await until(() => begun.length === 1);
    const at = new Date().toISOString();
    const owner = { host: hostname(), pid: 2 ** 22 + 1, token: 'x', since: at, seenAt: at };
    await updateJob(store, id, (job) => ({ ...job, state: 'running', owner, cancelRequested: true }));
    release();
    await until(async () => (await readJob(store, id)).state !== 'running');
    await trainings.close();

    assert.deepEqual([(await readJob(store, id)).state, begun.length], ['cancelled', 1]);
  });

  it('is left to AWS Batch when it was submitted there', async () => {
    const store = memoryStore();
    const theirs = await newImport(store);
    const submitted = { token: 'x', at: theirs.createdAt, queue: 'q', batchJob: 'b', unsure: false };
    await store.put(`jobs/${theirs.id}/batch.json`, Buffer.from(JSON.stringify(submitted)));
    await updateJob(store, theirs.id, (job) => ({ ...job, state: 'running' }));
    const own = await newTraining(store);
    const { trainings, begun } = runner(store, 'setTimeout(() => undefined, 60_000)');
    await until(() => begun.length > 0);
    await sleep(50);
    await trainings.close();

    assert.deepEqual(begun, [own.id]);
  });
});

describe('what a server looks for jobs in', () => {
  it('are those that had not ended, most of the time', async () => {
    const store = memoryStore();
    for (let i = 0; i < 3; i++) await requestCancel(store, (await newTraining(store)).id);
    let [looks, reads] = [0, 0];
    const counted = intercepted(store, async (operation, key) => {
      if (operation === 'folders') looks++;
      if (operation === 'get' && key.endsWith('/job.json')) reads++;
    });
    const command = (): [string] => [process.execPath];
    const trainings = new TrainingRunner({ store: counted, command, lookMs: 5, trouble: () => undefined });
    await until(() => looks >= 6);
    await trainings.close();

    assert.equal(reads, 3);
  });
});

describe('a job on AWS Batch', () => {
  /** A Batch that knows the states that it is told, and keeps what it was asked. */
  function batch(store: ObjectStore) {
    const asked: [what: string, about: unknown][] = [];
    const states = new Map<string, string>();
    const hooks = { beforeSubmit: async (): Promise<void> => undefined };
    const send = async ({
      constructor: { name },
      input,
    }: {
      constructor: { name: string };
      input: never;
    }) => {
      const { jobs = [], jobName, jobId } = input as { jobs?: string[]; jobName?: string; jobId?: string };
      asked.push([name.replace('Command', ''), jobName ?? jobId ?? jobs]);
      if (name === 'SubmitJobCommand') {
        await hooks.beforeSubmit();
        states.set(jobName ?? '', 'RUNNABLE');
        return { jobId: jobName };
      }
      if (name === 'TerminateJobCommand') states.set(jobId ?? '', 'FAILED');
      if (name === 'DescribeJobsCommand') {
        return { jobs: jobs.map((one) => ({ jobId: one, status: states.get(one) })) };
      }
      return {};
    };
    const client = { send, destroy: () => undefined } as unknown as BatchClient;
    const target = { queue: 'q', definition: 'd' };
    const trainings = new BatchTrainings({
      store,
      client,
      gpu: target,
      cpu: null,
      imports: target,
      smallPictures: 0,
      trouble: () => undefined,
    });
    const done = (what: string): unknown[] =>
      asked.flatMap(([name, about]) => (name === what ? [about] : []));
    return { trainings, states, hooks, done };
  }

  it('that is cancelled while it is being submitted is ended there, each of its steps', async () => {
    const store = memoryStore();
    const { trainings, hooks, done } = batch(store);
    const { id } = await newImport(store);
    hooks.beforeSubmit = async () => {
      hooks.beforeSubmit = async () => undefined;
      await requestCancel(store, id);
      await trainings.cancelled(id);
    };
    await trainings.offer(id);
    const names = [`kindred-${id}-plan`, `kindred-${id}-parts`, `kindred-${id}`];

    assert.deepEqual(done('SubmitJob'), names);
    assert.deepEqual(done('TerminateJob'), names.toReversed());
    assert.equal((await readJob(store, id)).state, 'cancelled');
  });

  it('that was cancelled before is not submitted; gone on with it is, under a name of its own', async () => {
    const store = memoryStore();
    const { trainings, done } = batch(store);
    const { id } = await newTraining(store);
    await requestCancel(store, id);
    await trainings.offer(id);
    const before = done('SubmitJob');
    for (let round = 0; round < 2; round++) {
      await resumeJob(store, id, 'http');
      await trainings.offer(id);
      await trainings.offer(id);
      await requestCancel(store, id);
      await trainings.cancelled(id);
    }

    assert.deepEqual(before, []);
    assert.deepEqual(done('SubmitJob'), [`kindred-${id}-again-1`, `kindred-${id}-again-2`]);
    assert.deepEqual(done('TerminateJob'), done('SubmitJob'));
  });

  it('of which one container noted that it has failed is ended there, once, by who looks at it', async () => {
    const store = memoryStore();
    const { trainings, done } = batch(store);
    const { id } = await newImport(store);
    await trainings.offer(id);
    const error = { code: 'not-found', message: 'There is no such version.' };
    const failed = await updateJob(store, id, (job) => ({
      ...job,
      state: 'failed',
      finishedAt: new Date().toISOString(),
      error,
    }));
    const [seen] = await trainings.look([failed]);
    await trainings.look([failed]);

    assert.deepEqual(seen?.job.error, error);
    assert.equal(done('TerminateJob').length, 3);
  });

  it('that somebody goes on with by hand is theirs, whatever became of it there', async () => {
    const store = memoryStore();
    const { trainings, states, done } = batch(store);
    const { id } = await newImport(store);
    await trainings.offer(id);
    for (const name of states.keys()) states.set(name, 'FAILED');
    const at = new Date().toISOString();
    const owner = { host: 'a-workstation', pid: 1, token: 'x', since: at, seenAt: at };
    const taken = await updateJob(store, id, (job) => ({ ...job, state: 'running', owner }));
    const [seen] = await trainings.look([taken]);
    await requestCancel(store, id);
    await trainings.cancelled(id);
    const { state, cancelRequested } = await readJob(store, id);
    // A container that is gone is said to be alive for a while; Batch knows better.
    const container = { ...owner, host: `aws-batch/kindred-${id}#1` };
    const [gone] = await trainings.look([
      await updateJob(store, id, (job) => ({ ...job, owner: container })),
    ]);

    assert.deepEqual([seen?.job.state, seen?.waiting, seen?.interrupted], ['running', [], false]);
    assert.deepEqual([state, cancelRequested], ['running', true]);
    // And somebody wanted it cancelled.
    assert.equal(gone?.job.state, 'cancelled');
    assert.notEqual(hostname(), owner.host);
    assert.equal(done('TerminateJob').length, 3);
  });

  it('whose submission was cut off after its first step began is submitted to its end when it is offered again', async () => {
    const store = memoryStore();
    const { trainings, hooks, done } = batch(store);
    const { id } = await newImport(store);
    let calls = 0;
    hooks.beforeSubmit = async () => {
      if (++calls === 2) throw new Error('the line is cut');
    };
    await assert.rejects(trainings.offer(id), /the line is cut/);
    const begun = await updateJob(store, id, (job) => ({ ...job, state: 'running' }));
    const [cut] = await trainings.look([begun]);
    await trainings.offer(id);

    assert.deepEqual(cut?.waiting, []);
    assert.equal(new Set(done('SubmitJob')).size, 3);
  });
});
