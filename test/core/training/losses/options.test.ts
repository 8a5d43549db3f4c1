import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidInputError } from '../../../../core/errors.ts';
import { distances } from '../../../../core/training/distances/index.ts';
import { createLoss, losses, type LossName } from '../../../../core/training/losses/index.ts';
import { circle } from '../batches.ts';
import { evaluate } from './cases.ts';

describe('the options of a loss', () => {
  it('have defaults', () => {
    const defaults = Object.fromEntries(
      Object.entries(losses).map(([name, { options }]) => [name, options.parse({})]),
    );

    const expected: Record<LossName, object> = {
      triplet: { margin: 0.5, reduction: 'mean' },
      'soft-margin': { reduction: 'mean' },
      contrastive: { positiveMargin: 0, negativeMargin: 1, reduction: 'mean' },
      'multi-similarity': { alpha: 2, beta: 50, base: 0.5, mining: true, epsilon: 0.1, reduction: 'mean' },
    };
    assert.deepEqual(defaults, expected);
  });

  for (const name of Object.keys(losses) as LossName[]) {
    it(`are refused when unknown or of another kind: ${name}`, () => {
      assert.equal(createLoss(name).name, name);
      assert.throws(() => createLoss(name, { marginn: 1 }), {
        constructor: InvalidInputError,
        message: /marginn/,
      });
      assert.throws(() => createLoss(name, { reduction: 'max' }), { message: /"sum"\|"mean"/ });
      assert.throws(() => createLoss(name, 3), InvalidInputError);
    });
  }

  it('are refused out of range', () => {
    assert.throws(() => createLoss('triplet', { margin: -1 }), { message: /margin/ });
    assert.throws(() => createLoss('triplet', { margin: NaN }), InvalidInputError);
    assert.throws(() => createLoss('multi-similarity', { beta: 0 }), { message: /beta/ });
  });

  it('are not asked for when there is no such loss, and the names are listed', () => {
    for (const name of ['tripled', 'constructor', '__proto__']) {
      assert.throws(() => createLoss(name), {
        constructor: InvalidInputError,
        message: /triplet, soft-margin/,
      });
    }
  });

  it('of contrastive must be in the order of the distance', () => {
    const batch = { rows: circle(4), labels: Int32Array.of(0, 0, 1, 1), triplets: [] };
    const wrong = { loss: createLoss('contrastive'), distance: distances['dot-product'] };
    const swapped = {
      loss: createLoss('contrastive', { positiveMargin: 1, negativeMargin: 0 }),
      distance: distances.cosine,
    };

    assert.throws(() => evaluate(wrong, batch), {
      constructor: InvalidInputError,
      message: /dot-product.*above/,
    });
    assert.throws(() => evaluate(swapped, batch), {
      constructor: InvalidInputError,
      message: /cosine.*below/,
    });
  });
});
