import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SHARP, picture, pictures, publishColours } from '../core/registry/colours.ts';
import { author } from '../core/registry/support.ts';
import { inProcess, json } from './support.ts';
import type { Served } from './support.ts';

describe('DELETE', () => {
  let served: Served;
  const remove = async (path: string): Promise<number> =>
    (await served.fetch(`/v1${path}`, { method: 'DELETE' })).status;
  const status = async (path: string): Promise<number> => (await served.fetch(`/v1${path}`)).status;
  const classify = async (reference = 'colours'): Promise<number> => {
    const [model, alias] = reference.split('@');
    const query = alias === undefined ? '' : `?alias=${alias}`;
    const body = Buffer.from(await (await picture('red', 0)).read());
    const headers = { 'Content-Type': 'image/png' };
    return (await served.fetch(`/v1/models/${model}/classify${query}`, { method: 'POST', headers, body }))
      .status;
  };
  before(async () => (served = await inProcess()));
  after(() => served.close());

  it('takes an alias away; "production" only when forced', async () => {
    await served.registry.move('colours', 'staging', 1, author);
    assert.equal(await classify('colours@staging'), 200);

    assert.equal(await remove('/models/colours/aliases/staging'), 204);

    assert.equal(await classify('colours@staging'), 404);
    assert.equal(await status('/models/colours/aliases/staging'), 404);
    assert.equal(await remove('/models/colours/aliases/staging'), 404);
    assert.equal(await remove('/models/colours/aliases/production'), 409);
    assert.equal(await remove('/models/colours/aliases/production?force=false'), 409);
    assert.equal(await remove('/models/colours/aliases/production?forced=true'), 400);
    assert.equal(await classify(), 200);
  });

  it('takes a dataset away, while a model in production follows it only when forced', async () => {
    const bytes = await (await picture('red', 0)).read();
    for (const dataset of ['colours', 'other']) {
      await served.registry.addToDataSet(dataset, { className: 'red', file: '0.png', bytes });
    }
    const train = await pictures(['red', 'green'], 0, 2);
    const { version } = await publishColours(served.registry, SHARP, train, [], { follows: 'colours' });
    await served.registry.move('colours', 'production', version, author);

    assert.equal(await remove('/datasets/other'), 204);
    assert.equal(await remove('/datasets/other'), 404);
    const refused = await served.fetch('/v1/datasets/colours', { method: 'DELETE' });
    const problem = await json<{ type: string; detail: string }>(refused);
    assert.deepEqual([refused.status, problem.type], [409, 'urn:kindred:problem:conflict']);
    assert.match(problem.detail, /colours@2/);
    assert.equal(await status('/datasets/colours'), 200);
    assert.equal(await remove('/datasets/colours?force=true'), 204);
    assert.equal(await status('/datasets/colours'), 404);
    assert.equal(await classify(), 200);
  });

  it('takes a model away at once, also where it was warm; while in production only when forced', async () => {
    assert.equal(await remove('/models/colours'), 409);
    assert.equal(await classify(), 200);

    assert.equal(await remove('/models/colours?force=true'), 204);

    assert.deepEqual([await classify(), await status('/models/colours')], [404, 404]);
    assert.equal(await status('/models/colours/versions/1'), 404);
    assert.deepEqual(await json(await served.fetch('/v1/models')), { models: [] });
    assert.equal(await remove('/models/colours'), 404);
  });
});
