import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseWhere } from '../../confighub-server/where/parse.ts';
import {
  allOf,
  equals,
  greaterThan,
  isIn,
  isNotNull,
  isNull,
  lessThanAttribute,
  notEquals,
} from './where.ts';

describe('the WHERE builder', () => {
  it('writes the grammar of ConfigHub', () => {
    expect(
      allOf(
        equals('Labels.drift-category', 'security'),
        isIn('Slug', ['a', 'b']),
        lessThanAttribute('Unit.UpstreamRevisionNum', 'UpstreamUnit.HeadRevisionNum'),
        isNotNull('UpstreamUnitID'),
        isNull('SetID'),
        notEquals('Labels.environment', 'prod'),
        greaterThan('HeadRevisionNum', 3),
      ).expression,
    ).toBe(
      "Labels.drift-category = 'security' AND Slug IN ('a', 'b') AND " +
        'Unit.UpstreamRevisionNum < UpstreamUnit.HeadRevisionNum AND UpstreamUnitID IS NOT NULL AND SetID IS NULL AND ' +
        "Labels.environment != 'prod' AND HeadRevisionNum > 3",
    );
  });

  it.each(["it's", 'a"b', 'a\\b', 'a\nb', 'x'.repeat(256)])('refuses the value %j', (value) => {
    expect(() => equals('Slug', value)).toThrow(/WHERE/);
  });

  it.each(['', "Slug = 'x' AND", 'a b', 'Labels.', "Labels['tier']"])(
    'refuses the attribute %j',
    (name) => {
      expect(() => equals(name, 'x')).toThrow(/attribute/);
    },
  );

  it('refuses numbers that the grammar cannot write, and empty lists', () => {
    for (const number of [-1, 1.5, Number.NaN, 10_000_000_000]) {
      expect(() => equals('HeadRevisionNum', number)).toThrow();
    }
    expect(() => isIn('Slug', [])).toThrow(/no values/);
  });

  it('never lets a value become syntax', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        let expression: string;
        try {
          ({ expression } = equals('Slug', value));
        } catch {
          return;
        }
        expect(parseWhere(expression)).toMatchObject([
          {
            left: { name: 'Slug' },
            comparison: { kind: 'compare', right: { kind: 'string', value } },
          },
        ]);
      }),
    );
  });
});
