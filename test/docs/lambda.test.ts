import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { environmentSchemas } from '../../functions/environment.ts';
import { page, tableUnder } from './support.ts';

const { api, ingest } = environmentSchemas;
const least = { KINDRED_REGISTRY: 's3://bucket', KINDRED_AUTH: 'tokens' };

/** As the tables say it: name, default, meaning. */
function rowsOf(names: readonly string[]): string[][] {
  const defaults: Record<string, string | number | undefined> = api.parse(least);
  return names.map((name) => {
    const value = name in least ? '' : (defaults[name] ?? '');
    const { description = '' } = api.shape[name as keyof typeof api.shape].meta() ?? {};
    return [`\`${name}\``, value === '' ? '' : `\`${String(value)}\``, description];
  });
}

describe('the guide to Lambda', () => {
  const guide = page('docs/lambda.md');
  const common = Object.keys(ingest.shape);

  it('lists every variable of both functions with its default', () => {
    assert.deepEqual(tableUnder(guide, '### Both functions'), rowsOf(common));
  });

  it('lists every variable of the interface with its default', () => {
    const own = Object.keys(api.shape).filter((name) => !common.includes(name));

    assert.deepEqual(tableUnder(guide, '### The interface'), rowsOf(own));
  });
});
