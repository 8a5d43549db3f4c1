import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { optionSchemas } from '../../core/training/options.ts';
import type { OptionSchema } from '../../core/training/options.ts';
import { recipes } from '../../core/training/recipes/index.ts';
import { page, tableUnder } from './support.ts';

/** As the tables say it. */
function allowed(property: OptionSchema): string {
  const { type, items, minItems, maxItems, minimum, exclusiveMinimum, maximum } = property;
  if (property.enum) return property.enum.map((name) => `\`${name}\``).join(', ');
  if (type === 'array' && items) return `${minItems ?? 0} to ${maxItems} values ${allowed(items)}`;
  if (type === 'boolean') return '`true`, `false`';
  if (minimum === undefined && exclusiveMinimum === undefined) return 'any number';
  const least = exclusiveMinimum === undefined ? `from ${minimum}` : `above ${exclusiveMinimum}`;
  return maximum === undefined ? least : `${least} to ${maximum}`;
}

/** An empty list cannot be typed. */
const asTyped = (value: unknown): string =>
  Array.isArray(value) && value.length === 0 ? '' : `\`${[value].flat().join(',')}\``;

describe('the guide to training', () => {
  const guide = page('docs/training.md');

  for (const [name, recipe] of Object.entries(recipes)) {
    it(`lists every option of the recipe with its default and what is allowed: ${name}`, () => {
      const expected = Object.entries(optionSchemas(recipe.options)).map(([option, property]) => [
        `\`${option}\``,
        asTyped(property.default),
        allowed(property),
      ]);

      const told = tableUnder(guide, `### \`${name}\``);

      assert.deepEqual(
        told.map((cells) => cells.slice(0, 3)),
        expected,
      );
      for (const [option, , , meaning] of told) assert.ok(meaning, `${option} is not explained`);
    });
  }
});
