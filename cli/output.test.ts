import { expect, it } from 'vitest';
import { formatAge, renderTable } from './output.ts';

it('aligns columns and cuts long cells', () => {
  const text = renderTable(
    [
      { name: 'a', value: 'x'.repeat(150) },
      { name: 'longer', value: 'y' },
    ],
    [
      { title: 'NAME', value: (row) => row.name },
      { title: 'VALUE', value: (row) => row.value },
    ],
  );
  expect(text.split('\n')).toEqual(['NAME    VALUE', `a       ${'x'.repeat(99)}…`, 'longer  y']);
});

it('lets numbers stand below each other', () => {
  const text = renderTable(
    ['9', '-', '12'],
    [
      { title: 'N', value: (row) => row, align: 'right' },
      { title: 'WHAT', value: () => 'x' },
    ],
  );
  expect(text.split('\n')).toEqual([' N  WHAT', ' 9  x', ' -  x', '12  x']);
});

it('lets no value steer the terminal', () => {
  const text = renderTable(['a\u001b]0;b\u0007\nc\u202ed'], [{ title: 'T', value: (row) => row }]);
  expect(text).toBe('T\na·]0;b··c·d');
});

it('tells ages in one unit', () => {
  const now = Date.parse('2026-01-10T00:00:00Z');
  expect(formatAge('2026-01-09T23:59:30Z', now)).toBe('30s');
  expect(formatAge('2026-01-09T23:30:00Z', now)).toBe('30m');
  expect(formatAge('2026-01-09T12:00:00Z', now)).toBe('12h');
  expect(formatAge('2026-01-01T00:00:00Z', now)).toBe('9d');
  expect(formatAge(null, now)).toBe('-');
});
