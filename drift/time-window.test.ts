import { describe, expect, it } from 'vitest';
import {
  describeWindow,
  endOf,
  intervalsWithin,
  isWithin,
  type TimeWindow,
} from './time-window.ts';

const at = (text: string) => Date.parse(text);
const OFFICE: TimeWindow = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '09:00',
  to: '17:00',
  timeZone: 'Europe/Berlin',
};
const NIGHT: TimeWindow = { days: ['fri'], from: '22:00', to: '06:00', timeZone: 'UTC' };
const HOLIDAYS: TimeWindow = { since: '2026-12-20', until: '2027-01-03', timeZone: 'UTC' };

describe('isWithin', () => {
  it.each<[string, TimeWindow, string, boolean]>([
    ['the first minute', OFFICE, '2026-07-01T07:00:00Z', true],
    ['a second before', OFFICE, '2026-07-01T06:59:59Z', false],
    ['the last minute', OFFICE, '2026-07-01T14:59:59Z', true],
    ['the end', OFFICE, '2026-07-01T15:00:00Z', false],
    ['winter time', OFFICE, '2026-01-07T15:30:00Z', true],
    ['a day that is not meant', OFFICE, '2026-07-04T10:00:00Z', false],
    ['the evening on which the night begins', NIGHT, '2026-07-03T23:00:00Z', true],
    ['the morning after', NIGHT, '2026-07-04T05:59:00Z', true],
    ['the end of the night', NIGHT, '2026-07-04T06:00:00Z', false],
    ['the morning of the day itself', NIGHT, '2026-07-03T05:00:00Z', false],
    ['the first day', HOLIDAYS, '2026-12-20T00:00:00Z', true],
    ['the last day', HOLIDAYS, '2027-01-03T23:59:00Z', true],
    ['the day after', HOLIDAYS, '2027-01-04T00:00:00Z', false],
    ['no conditions', { timeZone: 'UTC' }, '2026-07-04T06:00:00Z', true],
    [
      'midnight of another zone',
      { days: ['sun'], timeZone: 'Asia/Tokyo' },
      '2026-07-04T15:00:00Z',
      true,
    ],
  ])('%s', (_what, window, time, expected) => {
    expect(isWithin(window, at(time))).toBe(expected);
  });
});

describe('endOf', () => {
  it.each<[TimeWindow, string, string]>([
    [OFFICE, '2026-07-01T10:11:12Z', '2026-07-01T15:00:00.000Z'],
    [NIGHT, '2026-07-03T23:07:00Z', '2026-07-04T06:00:00.000Z'],
    [HOLIDAYS, '2026-12-24T18:00:00Z', '2027-01-04T00:00:00.000Z'],
  ])('%j after %s', (window, time, expected) => {
    expect(new Date(endOf(window, at(time))).toISOString()).toBe(expected);
  });

  it('looks no further than forty days', () => {
    const from = at('2026-07-01T00:00:00Z');
    expect(endOf({ timeZone: 'UTC' }, from) - from).toBe(40 * 86_400_000);
  });
});

describe('intervalsWithin', () => {
  it('joins windows that overlap, and cuts at both ends', () => {
    const intervals = intervalsWithin(
      [NIGHT, OFFICE],
      at('2026-07-03T14:30:00Z'),
      at('2026-07-06T08:00:00Z'),
    );
    expect(
      intervals.map(({ fromMs, untilMs }) =>
        [fromMs, untilMs].map((ms) => new Date(ms).toISOString()),
      ),
    ).toEqual([
      ['2026-07-03T14:30:00.000Z', '2026-07-03T15:00:00.000Z'],
      ['2026-07-03T22:00:00.000Z', '2026-07-04T06:00:00.000Z'],
      ['2026-07-06T07:00:00.000Z', '2026-07-06T08:00:00.000Z'],
    ]);
  });

  it('finds nothing without windows, or between them', () => {
    expect(intervalsWithin([], 0, 1_000_000)).toEqual([]);
    expect(
      intervalsWithin([OFFICE], at('2026-07-04T00:00:00Z'), at('2026-07-05T00:00:00Z')),
    ).toEqual([]);
  });
});

it('is described as it is written', () => {
  expect(describeWindow(NIGHT)).toBe('fri 22:00 to 06:00 UTC');
  expect(describeWindow(HOLIDAYS)).toBe('since 2026-12-20 until 2027-01-03 UTC');
});
