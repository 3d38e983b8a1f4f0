import { expect, test } from 'vitest';
import { storable } from './inspect.ts';

test('a state of 256 KiB is kept, of a larger one its size', () => {
  const frame = JSON.stringify({ data: '' }).length;
  const largest = { data: 'x'.repeat(256 * 1024 - frame) };
  expect(storable(largest)).toBe(largest);
  // Bytes count, not characters.
  const wide = { data: 'é'.repeat(128 * 1024) };
  expect(storable(wide)).toEqual({ omitted: 'larger than 256 KiB', bytes: 256 * 1024 + frame });
});
