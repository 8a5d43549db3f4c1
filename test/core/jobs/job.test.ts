import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { beforeEach, describe, it } from 'node:test';
import {
  CancelledError,
  ConflictError,
  CorruptDataError,
  InvalidInputError,
  NotFoundError,
} from '../../../core/errors.ts';
import { requestCancel } from '../../../core/jobs/cancel.ts';
import { failureOf, notingFailure } from '../../../core/jobs/failure.ts';
import { createJob, listJobs, readJob, updateJob } from '../../../core/jobs/job.ts';
import type { Job, Owner } from '../../../core/jobs/job.ts';
import type { TrainingRequest } from '../../../core/pipeline/request.ts';
import { isOwnerAlive, leaveJob, renewHold, takeJob } from '../../../core/jobs/owner.ts';
import type { Ending, Hold } from '../../../core/jobs/owner.ts';
import { resumeJob } from '../../../core/jobs/resume.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';

const request: TrainingRequest = {
  dataSet: 'cats',
  testSet: null,
  holdOut: 0.2,
  model: 'cats',
  recipe: 'metric',
  options: { epochs: 3, scales: [1, 0.5] },
  seed: 7,
  promote: true,
};
const succeeded: Ending = { state: 'succeeded', result: { model: 'cats', version: 3 }, error: null };
const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

/** The number of a process that is gone. */
function gonePid(): number {
  return spawnSync(process.execPath, ['--eval', '0']).pid;
}

let store: ObjectStore;
let job: Job;
beforeEach(async () => {
  store = memoryStore();
  job = await createJob(store, request);
});

/** Takes the job, which must be free. */
async function taken(): Promise<Hold> {
  const hold = await takeJob(store, job.id);
  assert.ok(hold);
  return hold;
}

/** Makes it look as if that process worked on the job. */
function ownedBy(owner: Partial<Owner>): Promise<Job> {
  const usual = {
    host: hostname(),
    pid: process.ppid,
    token: 'x',
    since: minutesAgo(60),
    seenAt: minutesAgo(0),
  };
  return updateJob(store, job.id, (found) => ({ ...found, state: 'running', owner: { ...usual, ...owner } }));
}

describe('a job', () => {
  it('is queued, and what was asked for stays with it', async () => {
    const found = await readJob(store, job.id);
    assert.deepEqual(found, job);
    assert.deepEqual([found.state, found.attempts, found.request], ['queued', 0, request]);
  });

  it('is listed with the others, oldest first; what is no job is passed over', async () => {
    const second = await createJob(store, request);
    await store.put('jobs/notes/job.json', Buffer.from('{}'));
    await store.put('jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV/progress.json', Buffer.from('{}'));
    const ids = (await listJobs(store)).map(({ id }) => id);
    assert.deepEqual(ids, [job.id, second.id].toSorted());
  });

  it('that is not there, whose id is none, or that is damaged is an error', async () => {
    await assert.rejects(readJob(store, '01ARZ3NDEKTSV4RRFFQ69G5FAV'), NotFoundError);
    await assert.rejects(readJob(store, '../models'), InvalidInputError);
    await store.put(`jobs/${job.id}/job.json`, Buffer.from('{"id": 1}'));
    await assert.rejects(readJob(store, job.id), CorruptDataError);
  });

  it('loses no change when many change it at once', async () => {
    const change = (found: Job): Job => ({ ...found, attempts: found.attempts + 1 });
    await Promise.all(Array.from({ length: 20 }, () => updateJob(store, job.id, change)));
    assert.equal((await readJob(store, job.id)).attempts, 20);
  });
});

describe('the right to work on a job', () => {
  it('is had by one at a time, also in one process', async () => {
    const hold = await taken();
    const { state, owner, attempts } = await readJob(store, job.id);
    assert.deepEqual([state, owner?.pid, owner?.host, attempts], ['running', process.pid, hostname(), 1]);
    await assert.rejects(takeJob(store, job.id), ConflictError);

    await leaveJob(store, hold, {
      state: 'failed',
      result: null,
      error: { code: 'diverged', message: 'too fast' },
    });

    const failed = await readJob(store, job.id);
    assert.deepEqual([failed.state, failed.owner, failed.error?.code], ['failed', null, 'diverged']);
    const again = await taken();
    const running = await readJob(store, job.id);
    assert.deepEqual([running.attempts, running.error, running.finishedAt], [2, null, null]);
    assert.equal(running.startedAt, failed.startedAt);
    await leaveJob(store, again, succeeded);
  });

  it('is nobody’s any more once the job has succeeded', async () => {
    await leaveJob(store, await taken(), succeeded);
    const before = await readJob(store, job.id);
    assert.equal(await takeJob(store, job.id), null);
    assert.deepEqual(await readJob(store, job.id), before);
  });

  const owners: Readonly<Record<string, [owner: () => Partial<Owner>, alive: boolean]>> = {
    'a process that is there': [() => ({}), true],
    'a process that is gone': [() => ({ pid: gonePid() }), false],
    'a process of another machine that was just heard of': [() => ({ host: 'elsewhere' }), true],
    'a process of another machine that was not heard of for long': [
      () => ({ host: 'elsewhere', seenAt: minutesAgo(11) }),
      false,
    ],
    'a process that was not heard of for long, whose number another one has by now': [
      () => ({ seenAt: minutesAgo(11) }),
      false,
    ],
    'a process that is gone, whose number this one has': [() => ({ pid: process.pid }), false],
  };
  for (const [who, [owner, alive]] of Object.entries(owners)) {
    it(`is ${alive ? 'left to' : 'taken from'} ${who}`, async () => {
      const found = await ownedBy(owner());
      assert.equal(isOwnerAlive(found), alive);
      if (alive) return assert.rejects(takeJob(store, job.id), ConflictError);
      await leaveJob(store, await taken(), succeeded);
    });
  }

  for (const [place, isTaken] of [
    ['batch/a#2', true],
    ['batch/a#10', true],
    ['batch/a#1', false],
    ['batch/b#2', false],
    ['batch/a', false],
  ] as const) {
    it(`that the first attempt of batch/a was just heard of is ${isTaken ? 'taken' : 'not taken'} by ${place}`, async () => {
      await ownedBy({ host: 'batch/a#1' });

      if (!isTaken) return assert.rejects(takeJob(store, job.id, { place }), ConflictError);
      assert.ok(await takeJob(store, job.id, { place }));
      assert.equal((await readJob(store, job.id)).owner?.host, place);
    });
  }

  it('is renewed now and then, and once lost cannot be used', async () => {
    const hold = await taken();
    const unchanged = await renewHold(store, hold);
    assert.deepEqual(unchanged, await readJob(store, job.id));
    await ownedBy({ ...unchanged.owner, seenAt: minutesAgo(1) });
    const renewed = await renewHold(store, hold);
    assert.ok(Date.parse(renewed.owner?.seenAt ?? '') > Date.now() - 30_000);

    const others = await ownedBy({ token: 'another' });

    await assert.rejects(renewHold(store, hold), ConflictError);
    await leaveJob(store, hold, succeeded);
    assert.deepEqual(await readJob(store, job.id), others);
  });
});

describe('a wish to cancel', () => {
  it('ends a job that waits, and one whose process is gone, at once', async () => {
    assert.equal((await requestCancel(store, job.id)).state, 'cancelled');
    await ownedBy({ pid: gonePid() });
    assert.equal((await requestCancel(store, job.id)).state, 'cancelled');
    assert.equal((await readJob(store, job.id)).owner, null);
  });

  it('is noted for one that runs, and forgotten when it is started again', async () => {
    const hold = await taken();
    const asked = await requestCancel(store, job.id);
    assert.deepEqual([asked.state, asked.cancelRequested], ['running', true]);
    assert.equal((await renewHold(store, hold)).cancelRequested, true);
    await leaveJob(store, hold, { state: 'cancelled', result: null, error: null });
    const again = await taken();
    assert.equal((await readJob(store, job.id)).cancelRequested, false);
    await leaveJob(store, again, succeeded);
  });

  it('comes too late for one that has ended', async () => {
    await leaveJob(store, await taken(), succeeded);
    await assert.rejects(requestCancel(store, job.id), InvalidInputError);
  });

  it('of an attempt that is refused stays with the one that works', async () => {
    const hold = await taken();
    await requestCancel(store, job.id);
    await assert.rejects(takeJob(store, job.id), ConflictError);
    assert.equal((await renewHold(store, hold)).cancelRequested, true);
    await leaveJob(store, hold, succeeded);
  });
});

describe('a process that nobody stands behind', () => {
  const stopped = failureOf(new CancelledError('Stopped.'));

  it('leaves a job alone that was cancelled or has failed after it was started', async () => {
    await requestCancel(store, job.id);
    await assert.rejects(takeJob(store, job.id, { unattended: true }), CancelledError);
    await updateJob(store, job.id, (found) => ({ ...found, state: 'failed' }));
    await assert.rejects(takeJob(store, job.id, { unattended: true }), ConflictError);

    assert.equal((await readJob(store, job.id)).attempts, 0);
    await leaveJob(store, await taken(), succeeded);
  });

  it('puts a job back when it is stopped, unless somebody wants it cancelled', async () => {
    const hold = await takeJob(store, job.id, { unattended: true });
    await leaveJob(store, hold as Hold, stopped);
    const back = await readJob(store, job.id);
    const next = await takeJob(store, job.id, { unattended: true });
    await requestCancel(store, job.id);
    await leaveJob(store, next as Hold, stopped);
    const ended = await readJob(store, job.id);

    assert.deepEqual([back.state, back.owner, back.finishedAt, back.error], ['queued', null, null, null]);
    assert.deepEqual([ended.state, ended.attempts], ['cancelled', 2]);
  });

  it('does not go on with a job that somebody wanted cancelled when the process died that worked on it', async () => {
    await ownedBy({ host: 'batch/a#1' });
    await requestCancel(store, job.id);
    const place = 'batch/a#2';
    await assert.rejects(takeJob(store, job.id, { place, unattended: true }), CancelledError);

    const { state, owner, attempts, cancelRequested } = await readJob(store, job.id);
    assert.deepEqual([state, owner, attempts, cancelRequested], ['cancelled', null, 0, false]);
  });

  it('notes a failure before it had the job, unless it was gone on with meanwhile', async () => {
    const fail = (): Promise<never> => Promise.reject(new NotFoundError('no such data set'));
    await requestCancel(store, job.id);
    const resumed = await resumeJob(store, job.id);
    await assert.rejects(notingFailure(store, job, fail), NotFoundError);
    const unchanged = await readJob(store, job.id);
    await assert.rejects(notingFailure(store, resumed, fail), NotFoundError);
    const { state, error } = await readJob(store, job.id);

    assert.deepEqual(unchanged, resumed);
    assert.deepEqual([state, error], ['failed', { code: 'not-found', message: 'no such data set' }]);
  });
});

describe('a job that is gone on with', () => {
  it('waits again when it was cancelled, has failed, or its process is gone; else it is left as it is', async () => {
    assert.deepEqual(await resumeJob(store, job.id), job);
    await requestCancel(store, job.id);
    const [one, two] = await Promise.all([
      resumeJob(store, job.id, 'http'),
      resumeJob(store, job.id, 'http'),
    ]);
    assert.deepEqual(one, two);
    assert.deepEqual([one.state, one.finishedAt, one.error, one.resumed], ['queued', null, null, 1]);

    await ownedBy({});
    assert.equal((await resumeJob(store, job.id)).state, 'running');
    await requestCancel(store, job.id);
    await assert.rejects(resumeJob(store, job.id), /is being stopped/);
    await ownedBy({ pid: gonePid() });
    // A server sees to its own.
    assert.equal((await resumeJob(store, job.id)).state, 'running');
    await updateJob(store, job.id, (found) => ({ ...found, via: undefined }));
    assert.deepEqual(
      [(await resumeJob(store, job.id)).state, (await readJob(store, job.id)).resumed],
      ['queued', 2],
    );
    await leaveJob(store, await taken(), succeeded);
    await assert.rejects(resumeJob(store, job.id), ConflictError);
  });
});
