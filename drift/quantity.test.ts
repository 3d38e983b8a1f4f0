import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseQuantity, quantityToNumber, sameQuantity } from './quantity.ts';

test.each([
  ['1000m', '1'],
  ['0.5Gi', '512Mi'],
  ['1000M', '1G'],
  ['0.1Gi', '107374182400m'],
  ['0.0001', '1m'],
  ['1e3', '1k'],
  ['1E3', '1000'],
  ['1E', '1000P'],
  ['100n', '1m'],
  ['+1.50', '1500m'],
  ['.5', '500m'],
  ['5.', '5'],
  [2, '2'],
  [0.1, '100m'],
  [536870912, '512Mi'],
])('%s is %s', (left, right) => {
  expect(sameQuantity(left, right)).toBe(true);
});

test.each([
  ['1Ki', '1k'],
  ['1', '1001m'],
  ['9007199254740993', '9007199254740992'],
  ['-1', '1'],
])('%s is not %s', (left, right) => {
  expect(sameQuantity(left, right)).toBe(false);
});

test.each([
  '',
  'm',
  'abc',
  '1 Gi',
  '1gi',
  '1.2.3',
  '--1',
  '1e999',
  null,
  undefined,
  {},
  true,
  '1'.repeat(65),
])('%j is no quantity', (value) => {
  expect(parseQuantity(value)).toBeUndefined();
  expect(quantityToNumber(value)).toBeUndefined();
});

test('rounds away from zero, also below it', () => {
  expect(parseQuantity('-0.0001')).toBe(-1n);
  expect(quantityToNumber('250m')).toBe(0.25);
});

test('a whole number of mebibytes reads the same in bytes, kibibytes and thousandths', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (mebi) => {
      expect(sameQuantity(`${mebi}Mi`, `${BigInt(mebi) * 1024n}Ki`)).toBe(true);
      expect(sameQuantity(`${mebi}Mi`, `${BigInt(mebi) * 1048576000n}m`)).toBe(true);
    }),
  );
});
