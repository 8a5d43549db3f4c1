import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NotFoundError } from '../../core/errors.ts';
import { OnlyModel } from '../../functions/versions/only-model.ts';

it('The only model of a registry is remembered for some seconds, and another one is noticed then', async () => {
  let [models, looks, now] = [['hats'], 0, 0];
  const only = new OnlyModel(
    {
      models: () => {
        looks++;
        return Promise.resolve(models);
      },
    },
    () => now,
  );
  assert.deepEqual([await only.name(), await only.name(), looks], ['hats', 'hats', 1]);

  models = ['hats', 'shoes'];
  now = 4999;
  assert.equal(await only.name(), 'hats');
  now = 5000;
  await assert.rejects(
    only.name(),
    (error) => error instanceof NotFoundError && /There are 2 models/.test(error.message),
  );

  models = ['shoes'];
  assert.equal(await only.name(), 'shoes', 'a failure is not remembered');
  models = [];
  now = 20_000;
  await assert.rejects(only.name(), NotFoundError);
});
