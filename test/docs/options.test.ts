import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { recipes } from '../../core/training/recipes/index.ts';
import { page, tableUnder } from './support.ts';

interface Property {
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Property;
}

/** As the tables say it. */
function allowed(property: Property): string {
  const { type, items, minItems, maxItems, minimum, exclusiveMinimum, maximum } = property;
  if (property.enum) return property.enum.map((name) => `\`${name}\``).join(', ');
  if (type === 'array' && items) return `${minItems ?? 0} to ${maxItems} values ${allowed(items)}`;
  const least = exclusiveMinimum === undefined ? `from ${minimum}` : `above ${exclusiveMinimum}`;
  return maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? least : `${least} to ${maximum}`;
}

/** An empty list cannot be typed. */
const asTyped = (value: unknown): string =>
  Array.isArray(value) && value.length === 0 ? '' : `\`${[value].flat().join(',')}\``;

describe('the guide to training', () => {
  const guide = page('docs/training.md');

  for (const [name, recipe] of Object.entries(recipes)) {
    it(`lists every option of the recipe with its default and what is allowed: ${name}`, () => {
      const { properties = {} } = z.toJSONSchema(recipe.options, { io: 'input' });
      const expected = Object.entries(properties as Record<string, Property>).map(([option, property]) => [
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
