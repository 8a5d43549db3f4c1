import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fsStore } from '../../../core/storage/fs.ts';
import { race, start } from '../storage/programs.ts';
import { author, settingOf, withFolder } from './support.ts';

const program = (name: string): URL => new URL(`programs/${name}.ts`, import.meta.url);
const COUNT = 20;

describe('a registry that many processes change', () => {
  it('lets one of 20 alias moves win when all expect the same version', async () => {
    await withFolder(async (folder) => {
      const { registry, publish } = settingOf(fsStore(folder));
      await publish(COUNT + 1);
      await registry.move('cats', 'production', COUNT + 1, author);
      const args = Array.from({ length: COUNT }, (_, i) => [folder, `${i + 1}`, `${COUNT + 1}`]);
      const outcomes = (await race(program('move'), args)).flat();
      assert.equal(outcomes.filter((outcome) => outcome === 'moved').length, 1);
      assert.equal(outcomes.filter((outcome) => outcome === 'conflict').length, COUNT - 1);
      const alias = await registry.alias('cats', 'production');
      assert.deepEqual(
        alias?.history.map(({ by }) => by),
        [author.by, `${outcomes.indexOf('moved') + 1}`],
      );
    });
  });

  it('carries out all of 20 alias moves, one after another, when they expect nothing', async () => {
    await withFolder(async (folder) => {
      const { registry, publish } = settingOf(fsStore(folder));
      await publish(COUNT);
      const numbers = Array.from({ length: COUNT }, (_, i) => i + 1);
      await race(
        program('move'),
        numbers.map((version) => [folder, `${version}`]),
      );
      const alias = await registry.alias('cats', 'production');
      const history = alias?.history ?? [];
      assert.deepEqual(
        history.map(({ version }) => version).toSorted((a, b) => a - b),
        numbers,
      );
      history.forEach(({ from }, i) => assert.equal(from, history[i - 1]?.version ?? null));
      assert.equal(alias?.version, history.at(-1)?.version);
    });
  });

  it('gives publishers of 8 processes each a number and whole files', async () => {
    await withFolder(async (folder) => {
      const { registry } = settingOf(fsStore(folder));
      const printed = (
        await race(
          program('publish'),
          Array.from({ length: 8 }, () => [folder, '100000']),
        )
      ).flat();
      assert.deepEqual(
        printed.map(Number).toSorted((a, b) => a - b),
        [1, 2, 3, 4, 5, 6, 7, 8],
      );
      assert.deepEqual(await registry.versions('cats'), [1, 2, 3, 4, 5, 6, 7, 8]);
      for (const version of [1, 2, 3, 4, 5, 6, 7, 8])
        assert.deepEqual(await registry.verify('cats', version), []);
    });
  });

  it('shows no half version when a publisher is killed, and one whole one when the job runs again', async () => {
    await withFolder(async (folder) => {
      const { registry } = settingOf(fsStore(folder));
      for (let round = 1; round <= 6; round++) {
        const publisher = start(program('publish'), [folder, '8000000', `job-${round}`]);
        assert.equal(await publisher.line(), 'ready');
        publisher.tell('go');
        await sleep(Math.random() * 120);
        await publisher.kill();

        for (const version of await registry.versions('cats')) {
          assert.deepEqual(await registry.verify('cats', version), []);
        }
        const [[printed] = []] = await race(program('publish'), [[folder, '8000000', `job-${round}`]]);
        assert.equal((await registry.versions('cats')).length, round);
        assert.equal((await registry.manifest('cats', Number(printed))).job, `job-${round}`);
        assert.deepEqual(await registry.verify('cats', Number(printed)), []);
      }
    });
  });
});
