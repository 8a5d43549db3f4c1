import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkImportFlags } from '../../cli/imports/flags.ts';
import { UsageError } from '../../cli/usage.ts';
import { planImport } from '../../core/ingest/import/plan.ts';
import { createImport, readImport, updateJob } from '../../core/jobs/job.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { SHARP, pictures, publishColours, rowsOfVersion } from '../core/registry/colours.ts';
import { author } from '../core/registry/support.ts';
import { Workplace } from './support.ts';

interface Told {
  readonly job: string;
  readonly version: number;
  readonly added: number;
  readonly leftOut: number;
}

const BLUES = 40;

describe('an import in parts on the command line', () => {
  let place: Workplace;
  let registry: Registry;
  before(async () => {
    place = new Workplace();
    mkdirSync(place.in('later', 'blue'), { recursive: true });
    for (const each of await pictures(['blue'], 0, BLUES)) {
      writeFileSync(place.in('later', each.key), await each.read());
    }
  });
  after(() => place.close());

  /** A registry of its own. */
  async function fresh(name: string): Promise<string> {
    registry = openRegistry(fsStore(place.in(name)));
    await publishColours(registry, SHARP, await pictures(['red', 'green'], 0, 2));
    await registry.move('colours', 'production', 1, author);
    return name;
  }

  it('makes the gallery that an import in one process makes, and tells of its job', async () => {
    const one = await fresh('one');
    await place.json(['gallery', 'import', 'later', '--registry', one]);
    const expected = await rowsOfVersion(registry, 1);
    const many = await fresh('many');
    writeFileSync(place.in('later', 'blue', 'bad.png'), 'not a picture');

    const run = await place.run(['gallery', 'import', 'later', '--parts', '3', '--registry', many, '--json']);
    const told = JSON.parse(run.stdout) as Told;
    const shown = await place.run(['jobs', 'show', told.job, '--registry', many]);

    assert.deepEqual([run.status, told.version, told.added, told.leftOut], [1, 1, BLUES, 1]);
    assert.match(run.stderr, /"blue\/bad.png": it is plain text/);
    assert.deepEqual(await rowsOfVersion(registry, 1), expected);
    assert.match(shown.stdout, /^state +succeeded$/m);
    assert.match(shown.stdout, /^added +40, 1 left out$/m);
  });

  it('goes on after its process and a part were killed, and does only what is missing', async () => {
    const uri = await fresh('killed');
    const job = await createImport(registry.store, {
      dataSet: place.in('later'),
      model: 'colours',
      version: 1,
      parts: 2,
    });
    await planImport(registry, job, { store: fsStore(place.in('later')), prefix: '' }, { atMost: 1 });
    const shards = (): number => {
      try {
        return readdirSync(place.in(uri, 'jobs', job.id, 'shards')).length;
      } catch {
        return 0;
      }
    };

    const part = place.start(
      `gallery import --resume ${job.id} --step embed --part 1 --registry ${uri}`.split(' '),
    );
    while (shards() < 3) await sleep(2);
    part.child.kill('SIGKILL');
    await part.ended;
    const whole = place.start(['gallery', 'import', '--resume', job.id, '--registry', uri]);
    const had = shards();
    while (shards() === had) await sleep(2);
    whole.child.kill('SIGKILL');
    await whole.ended;
    const between = await rowsOfVersion(registry, 1);
    const { state } = await readImport(registry.store, job.id);
    const shown = await place.run(['jobs', 'show', job.id, '--registry', uri]);
    await updateJob(registry.store, job.id, (found) => ({ ...found, state: 'failed', owner: null }));
    const plan = `gallery import --resume ${job.id} --step plan --registry ${uri}`.split(' ');
    const refused = await place.run([...plan, '--unattended']);
    const planned = await place.run(plan);
    const reopened = await readImport(registry.store, job.id);
    const told = await place.run(['gallery', 'import', '--resume', job.id, '--registry', uri, '--json']);

    assert.equal(between.length, 4);
    assert.equal(state, 'running');
    assert.match(shown.stdout, /interrupted; go on: kindred gallery import --resume /);
    assert.deepEqual([refused.status, planned.status], [1, 0], planned.stderr);
    assert.deepEqual([reopened.state, reopened.resumed], ['running', 1]);
    const { added, leftOut } = JSON.parse(told.stdout) as Told;
    assert.deepEqual([added, leftOut], [BLUES, 1]);
    assert.equal((await rowsOfVersion(registry, 1)).length, 4 + BLUES);
    assert.equal((await registry.changes('colours')).length, 1);
  });

  it('is refused when its flags do not go together', () => {
    const job = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    assert.throws(() => checkImportFlags(undefined, {}), UsageError);
    assert.throws(() => checkImportFlags('later', { atOnce: 2 }), /--parts/);
    assert.throws(() => checkImportFlags('later', { resume: job }), /leave them away/);
    assert.throws(() => checkImportFlags(undefined, { resume: job, step: 'embed' }), /--part/);
    assert.throws(() => checkImportFlags('later', { parts: 2, step: 'publish' }), /--resume/);
    assert.deepEqual(checkImportFlags('later', { parts: 2, step: 'plan' }), {
      kind: 'new',
      dataSet: 'later',
      parts: 2,
    });
  });
});
