import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unitModel } from '../models.ts';
import { whereSql } from './index.ts';
import { parseWhere } from './parse.ts';

function compiled(expression: string) {
  const parameters: unknown[] = [];
  const { sql, relations } = whereSql(unitModel('bridge'), [expression], parameters);
  return { sql, parameters, relations: [...relations] };
}

describe('WHERE expressions', () => {
  it.each([
    ["Slug='a'", '(unit.slug = $1::text)', ['a']],
    ["Unit.Slug = 'a'", '(unit.slug = $1::text)', ['a']],
    [
      "Labels.app.kubernetes.io/name != 'x'",
      '((unit.labels ->> $1::text) <> $2::text)',
      ['app.kubernetes.io/name', 'x'],
    ],
    ['HeadRevisionNum>LiveRevisionNum', '(unit.head_revision_num > unit.live_revision_num)', []],
    ["Slug NOT IN ('a','b')", '(unit.slug NOT IN ($1::text, $2::text))', ['a', 'b']],
    ["Slug !~~ 'a%'", '(unit.slug NOT LIKE $1::text)', ['a%']],
    ["Slug !~* 'a'", '(unit.slug !~* $1::text)', ['a']],
    ["ApprovedBy ? 'u'", '(unit.approved_by ? $1::text)', ['u']],
    ['LEN(ApprovedBy) > 0', '(jsonb_array_length(unit.approved_by) > $1::bigint)', [0]],
    [
      'ApplyGates.trigger/function = true',
      '((unit.apply_gates ->> $1::text)::boolean = $2::boolean)',
      ['trigger/function', true],
    ],
    ['SetID IS NOT NULL', '(unit.set_id IS NOT NULL)', []],
    [
      "CreatedAt > '2025-02-18T23:16:34'",
      '(unit.created_at > $1::timestamptz)',
      ['2025-02-18T23:16:34.000Z'],
    ],
    ["Slug = 'a' IS NOT FALSE", '((unit.slug = $1::text) IS NOT FALSE)', ['a']],
    ['', 'true', []],
  ])('compiles %s', (expression, sql, parameters) => {
    expect(compiled(expression)).toMatchObject({ sql, parameters });
  });

  it('names the relations that have to be joined', () => {
    expect(
      compiled("Space.Labels.environment = 'prod' AND UpstreamUnit.HeadRevisionNum > 1").relations,
    ).toEqual(['Space', 'UpstreamUnit']);
  });

  it.each([
    ["Kind = 'Deployment'", /column 1: invalid attribute name "Kind"/],
    ["Slug = 'a' OR Slug = 'b'", /column 12: expected AND, found "OR"/],
    ["(Slug = 'a')", /column 1: invalid attribute name/],
    ["Labels['tier'] = 'x'", /column 7: unexpected character/],
    ["Slug = 'it''s'", /expected AND/],
    ["Slug = 'a", /column 8: text is not closed/],
    ['Slug = "a"', /column 8/],
    ["Slug = 'a\\'", /backslash/],
    ['Slug =', /column 7: invalid attribute name/],
    ["UnitID = 'x'", /is of type uuid/],
    ["UnitID LIKE 'x%'", /operator LIKE does not work on UnitID/],
    ["HeadRevisionNum = 'x'", /is of type integer/],
    ['HeadRevisionNum = 12345678901', /longer than 10 digits/],
    ['HeadRevisionNum > Slug', /cannot be compared/],
    ['LEN(HeadRevisionNum) > 1', /LEN does not work/],
    ['Slug IN ()', /expected a value/],
    ["constructor = 'x'", /invalid attribute name/],
    ["Slug constructor 'x'", /expected an operator/],
    [`Slug = '${'x'.repeat(256)}'`, /longer than 255/],
    [`Slug = 'a'${' '.repeat(4096)}`, /longer than 4096/],
  ])('refuses %s', (expression, message) => {
    expect(() => compiled(expression)).toThrow(message);
  });

  it('answers anything with terms or a 400, and keeps texts out of the SQL', () => {
    const fragment = fc.constantFrom(
      'Slug',
      'Labels.x',
      '=',
      '!=',
      'IN',
      '(',
      ')',
      ',',
      "'; DROP TABLE units'",
      'AND',
      'IS',
      'NOT',
      'NULL',
      'LEN',
      '5',
      ' ',
      'true',
      '?',
      '~',
      '--',
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), (parts) => {
        const expression = parts.join(' ');
        try {
          expect(compiled(expression).sql).not.toContain('DROP');
        } catch (error) {
          expect(error).toMatchObject({ name: 'HubError', status: 400 });
        }
      }),
    );
  });

  it('limits the number of terms', () => {
    expect(() => parseWhere(Array.from({ length: 65 }, () => "Slug = 'a'").join(' AND '))).toThrow(
      /more than 64/,
    );
  });
});
