import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTraining } from '../../../core/jobs/job.ts';
import type { TrainingJob } from '../../../core/jobs/job.ts';
import { start } from '../storage/programs.ts';
import type { Program } from '../storage/programs.ts';
import { Place } from '../jobs/support.ts';

const PROGRAM = new URL('programs/train.ts', import.meta.url);

/** The operation on the store before which a process is killed, and the how many-th such one. */
type Moment = readonly [what: string, where: RegExp, times?: number];

describe('a training whose process is killed again and again', () => {
  let place: Place;
  before(() => (place = new Place()));
  after(() => place.close());

  async function begin(job: TrainingJob, where = '', times = 1): Promise<Program> {
    const program = start(PROGRAM, [place.folder, job.id, where, String(times)]);
    assert.equal(await program.line(), 'ready');
    program.tell('go');
    return program;
  }

  async function killedWhileFeaturesAreComputed(job: TrainingJob): Promise<void> {
    const program = await begin(job);
    while (!readdirSync(place.in('features')).some((name) => name.endsWith('.partial'))) await sleep(2);
    await program.kill();
    assert.ok(
      readdirSync(place.in('features')).every((name) => name.endsWith('.partial')),
      'killed too late to tell',
    );
  }

  async function killedAt(job: TrainingJob, [what, where, times]: Moment): Promise<void> {
    const program = await begin(job, where.source, times);
    const line = await program.line();
    await program.kill();
    assert.match(line ?? '', where, what);
    assert.deepEqual(await place.damage(), [], what);
    assert.ok((await place.registry.versions(job.request.model)).length <= 1, what);
  }

  /** The killed one is run once more, and an uninterrupted one of the same, both in this process: their weights. */
  async function compared(
    job: TrainingJob,
  ): Promise<{ killed: string | undefined; whole: string | undefined }> {
    const { version } = await place.train(await readTraining(place.store, job.id));
    const whole = `whole-${job.request.recipe}`;
    await place.train(await place.newJob(job.request.recipe, { model: whole }));
    assert.equal(version, 1);
    return { killed: await place.weights(1, job.request.model), whole: await place.weights(1, whole) };
  }

  it('ends as if it had never been: siamese', async () => {
    const job = await place.newJob('siamese');
    await killedWhileFeaturesAreComputed(job);
    const moments: readonly Moment[] = [
      ['between the arrays and the state that names them', /put .*checkpoint\/state\.json/, 2],
      ['in mid-epoch, just after a checkpoint', /put .*checkpoint\/step-/, 2],
      ['while the files of the version are written', /put .*versions\/1\/embedding\.onnx/],
      ['just before the version exists', /put .*versions\/1\/manifest\.json/],
      ['before the alias is moved', /put .*aliases\/production\.json/, 2],
    ];
    for (const moment of moments) await killedAt(job, moment);
    assert.deepEqual(await place.registry.versions('clothes'), [1]);

    const { killed, whole } = await compared(job);

    assert.equal(killed, whole);
    assert.deepEqual(await place.registry.versions('clothes'), [1]);
    const alias = await place.registry.alias('clothes', 'production');
    assert.deepEqual(
      alias?.history.map(({ version }) => version),
      [1],
    );
    const { state, attempts } = await readTraining(place.store, job.id);
    assert.deepEqual([state, attempts], ['succeeded', 7]);
    assert.deepEqual(readdirSync(place.in('scratch')), []);
  });

  it('ends as if it had never been: metric', async () => {
    const job = await place.newJob('metric', { model: 'other' });
    const moments: readonly Moment[] = [
      ['between the best weights and the note that names them', /put .*checkpoint\/best\.json/, 1],
      ['between the arrays and the state that names them', /put .*checkpoint\/state\.json/, 2],
      ['while the files of the version are written', /put .*versions\/1\/gallery\.arrow/],
      ['when all is done but the checkpoint is there', /delete .*checkpoint\/state\.json/],
    ];
    for (const moment of moments) await killedAt(job, moment);
    assert.equal((await readTraining(place.store, job.id)).state, 'succeeded');
    assert.notDeepEqual(await place.keys(`jobs/${job.id}/checkpoint/`), []);

    const { killed, whole } = await compared(job);

    assert.equal(killed, whole);
    assert.deepEqual(await place.registry.versions('other'), [1]);
    assert.deepEqual(await place.keys(`jobs/${job.id}/checkpoint/`), []);
  });
});
