import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { dataSetOf } from '../../../core/images/dataset.ts';
import type { DataSet } from '../../../core/images/dataset.ts';
import { readTraining } from '../../../core/jobs/job.ts';
import type { TrainingRequest } from '../../../core/pipeline/request.ts';
import type { TrainingResult } from '../../../core/jobs/result.ts';
import type { TrainingProgress } from '../../../core/training/progress.ts';
import { Place } from '../jobs/support.ts';

/** Every class under the name of the next: what is learnt from it is wrong. */
function mislabelled({ name, classes, pictures }: DataSet): DataSet {
  const wrong = (className: string): string =>
    classes[(classes.indexOf(className) + 1) % classes.length] ?? '';
  return dataSetOf(
    name,
    pictures.map((picture) => {
      const className = wrong(picture.className);
      return { ...picture, className, key: `${className}/${picture.key.split('/')[1]}` };
    }),
  );
}

describe('a training where another version is in production', () => {
  let place: Place;
  const told: string[] = [];
  before(async () => {
    place = new Place();
    await train({});
  });
  after(() => place.close());

  async function train(
    changes: Partial<TrainingRequest>,
    change = (dataSet: DataSet): DataSet => dataSet,
  ): Promise<TrainingResult> {
    const job = await place.newJob('metric', { options: { epochs: 0 }, ...changes });
    const report = (progress: TrainingProgress): void => {
      if (progress.phase === 'note') told.push(progress.text);
    };
    const [learnt, test] = await Promise.all([place.pictures('train'), place.pictures('test')]);
    return place.train(job, { report }, { train: change(learnt), test });
  }
  const history = async (): Promise<number[]> =>
    ((await place.registry.alias('clothes', 'production'))?.history ?? []).map(({ version }) => version);

  it('publishes a version that is worse, leaves production as it is, and says both', async () => {
    const result = await train({}, mislabelled);

    assert.deepEqual([result.version, result.promoted, result.gate?.outcome], [2, false, 'worse']);
    assert.equal(result.gate?.comparison?.images, 6);
    assert.deepEqual(await history(), [1]);
    assert.match(told.at(-1) ?? '', /^Compared with production: worse: .* of 6 pictures right, version 1/);
    const job = await readTraining(place.store, result.job);
    assert.deepEqual([job.state, job.result?.promoted, job.result?.gate], ['succeeded', false, result.gate]);
    const { promoted, gate } = await place.train(job);
    assert.deepEqual([promoted, gate], [false, result.gate]);
  });

  it('lets it answer when forced', async () => {
    const forced = await train({ force: true }, mislabelled);

    assert.deepEqual([forced.promoted, forced.gate?.outcome, forced.gate?.forced], [true, 'worse', true]);
    assert.deepEqual(await history(), [1, 3]);
    const last = (await place.registry.alias('clothes', 'production'))?.history.at(-1);
    assert.match(last?.why ?? '', new RegExp(`^training ${forced.job}; forced though worse`));
  });

  it('lets one answer that is better', async () => {
    const { version, promoted, gate } = await train({});

    assert.deepEqual([version, promoted, gate?.outcome], [4, true, 'passed']);
    assert.deepEqual(await history(), [1, 3, 4]);
  });

  it('does not count pictures that the version before was trained on', async () => {
    const all = await place.pictures('test');
    const seen = await train({}, (dataSet) => dataSetOf('both', [...dataSet.pictures, ...all.pictures]));
    assert.deepEqual([seen.promoted, seen.gate?.outcome], [true, 'not-compared']);

    const { promoted, gate } = await train({});

    assert.deepEqual([promoted, gate?.outcome, gate?.comparison], [true, 'not-compared', null]);
    assert.match(
      gate?.reason ?? '',
      /not compared with version 5: .* of 6, one of the two was trained on 6$/,
    );
  });

  it('does not undo what somebody else did since, when it is resumed', async () => {
    const job = await readTraining(place.store, (await train({})).job);
    const { version } = job.result ?? {};
    await place.registry.move('clothes', 'production', 1, { by: 'somebody', why: 'to see' });
    await place.store.put(
      `jobs/${job.id}/job.json`,
      new TextEncoder().encode(JSON.stringify({ ...job, state: 'running', result: null, finishedAt: null })),
    );

    const again = await place.train(await readTraining(place.store, job.id));

    assert.deepEqual([again.version, again.promoted], [version, true]);
    assert.equal((await history()).at(-1), 1);
  });
});
