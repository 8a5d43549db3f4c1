import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAST, type Running, Workplace } from './support.ts';

interface ListedJob {
  readonly id: string;
  readonly state: string;
}

/** Long enough to be stopped in its middle: more steps than any machine does in the time it takes to see the first epoch. */
const LONG = [...FAST, '--option', 'enough=0', '--option', 'patience=100000'];
const withEpochs = (epochs: number): string[] =>
  LONG.map((arg) => (arg === 'epochs=1' ? `epochs=${epochs}` : arg));

async function untilTold({ told, ended }: Running, what: RegExp): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  while (!what.test(told())) {
    if (over) throw new Error(`it ended without saying ${what}:\n${told()}`);
    await sleep(20);
  }
}

describe('a training that is stopped', () => {
  let place: Workplace;
  before(() => {
    place = new Workplace();
    place.dataSet('clothes');
  });
  after(() => place.close());

  it('by Ctrl-C keeps a checkpoint, says how to go on, and goes on to its end', async () => {
    const training = place.start(['train', 'clothes', '--model', 'one', ...withEpochs(2000)]);
    await untilTold(training, /epoch 2\/2000/);
    training.child.kill('SIGINT');
    const stopped = await training.ended;

    assert.equal(stopped.status, 1);
    assert.equal(stopped.stdout, '');
    const id = /To go on: kindred train --resume (\w{26})$/m.exec(stopped.stderr)?.[1] ?? '';
    assert.notEqual(id, '', stopped.stderr);
    const { jobs } = await place.json<{ jobs: ListedJob[] }>(['jobs', 'list']);
    assert.deepEqual(
      jobs.map((job) => [job.id, job.state]),
      [[id, 'cancelled']],
    );
    assert.deepEqual((await place.json<{ models: unknown[] }>(['models', 'list'])).models, []);

    const other = await place.run(['train', '--resume', id, '--margin', '2']);
    const done = await place.json<{ version: number }>(['train', '--resume', id, '--best']);
    const again = await place.json<{ version: number }>(['train', '--resume', id]);

    assert.equal(other.status, 2);
    assert.match(other.stderr, /started with another margin/);
    assert.deepEqual([done.version, again.version], [1, 1]);
  });

  it('by SIGKILL is found again by the same command, and makes one version', async () => {
    const args = ['train', 'clothes', '--model', 'two', ...withEpochs(40)];
    const training = place.start(args);
    await untilTold(training, /epoch 1\/40/);
    training.child.kill('SIGKILL');
    await training.ended;

    const { jobs } = await place.json<{ jobs: ListedJob[] }>(['jobs', 'list']);
    const resumed = await place.run([...args, '--resume', '--json']);
    const whole = await place.json<{ metrics: unknown }>([...args, '--model', 'three']);

    assert.equal(jobs[0]?.state, 'interrupted');
    assert.equal(resumed.status, 0, resumed.stderr);
    const { version, metrics } = JSON.parse(resumed.stdout) as { version: number; metrics: unknown };
    assert.equal(version, 1);
    assert.deepEqual(metrics, whole.metrics);
  });

  it('by a second Ctrl-C ends at once', async () => {
    const training = place.start(['train', 'clothes', '--model', 'four', ...withEpochs(2000)]);
    await untilTold(training, /epoch 1\/2000/);
    training.child.kill('SIGTERM');
    training.child.kill('SIGINT');

    assert.equal((await training.ended).status, 1);
  });

  it('by another process is asked to, and keeps a checkpoint', async () => {
    const training = place.start(['train', 'clothes', '--model', 'five', ...withEpochs(2000)]);
    await untilTold(training, /epoch 1\/2000/);
    const id = /job (\w{26})/.exec(training.told())?.[1] ?? '';

    const asked = await place.run(['jobs', 'cancel', id]);
    const stopped = await training.ended;

    assert.equal(asked.status, 0, asked.stderr);
    assert.equal(stopped.status, 1);
    assert.match(stopped.stderr, /To go on/);
    assert.equal((await place.json(['jobs', 'show', id]))['state'], 'cancelled');
  });
});
