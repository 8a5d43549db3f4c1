import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { recipes } from '../../core/training/recipes/index.ts';
import { inProcess, json } from './support.ts';
import type { Served } from './support.ts';

interface Shown {
  readonly name: string;
  readonly summary: string;
  readonly isDefault: boolean;
  readonly options: {
    readonly type: string;
    readonly additionalProperties: boolean;
    readonly properties: Readonly<Record<string, Record<string, unknown>>>;
  };
}

describe('GET /v1/recipes', () => {
  let served: Served;
  before(async () => (served = await inProcess()));
  after(() => served.close());

  it('lists every recipe with its options as JSON Schema, numbers as numbers', async () => {
    const response = await served.fetch('/v1/recipes');
    const shown = (await json<{ recipes: Shown[] }>(response)).recipes;

    assert.equal(response.status, 200);
    assert.deepEqual(
      shown.map(({ name, summary, isDefault }) => [name, summary, isDefault]),
      Object.values(recipes).map(({ name, summary }) => [name, summary, name === 'metric']),
    );
    const { type, additionalProperties, properties } = shown[0]?.options ?? {};
    assert.deepEqual([type, additionalProperties], ['object', false]);
    assert.deepEqual(properties?.['epochs'], {
      type: 'integer',
      minimum: 0,
      default: 8,
      description: '0: no tuning',
    });
    assert.deepEqual(properties?.['multi-similarity.beta'], {
      type: 'number',
      exclusiveMinimum: 0,
      default: 50,
      description: 'sharpness for pairs of two classes',
    });
    assert.deepEqual(properties?.['loss']?.['enum'], [
      'triplet',
      'soft-margin',
      'contrastive',
      'multi-similarity',
    ]);
  });
});
