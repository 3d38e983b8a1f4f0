import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatDuration, parseDurationMs } from './duration.ts';

it.each([
  ['500ms', 500],
  ['1s', 1_000],
  ['1.5s', 1_500],
  ['15m', 900_000],
  ['24h', 86_400_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  ['0s', 0],
])('%s is %d ms', (text, expected) => {
  expect(parseDurationMs(text)).toBe(expected);
});

it.each(['', '10', '1 h', 'h', '-1s', '1hour', '1h ', '0.0001s', '9999999999d'])(
  '%j is none',
  (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  },
);

it('is read back as it was written', () => {
  fc.assert(
    fc.property(fc.nat(), (ms) => {
      expect(parseDurationMs(formatDuration(ms))).toBe(ms);
    }),
  );
});
