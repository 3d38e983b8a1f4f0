import { expect, it } from 'vitest';
import { renderCosts } from './advice.ts';

it.each([
  [2.997, 1.998, 0, '+$3.00/month', ' $2.00/month'],
  [-1203.4, 12_345.678, 0, '−$1,203.40/month', '$12,345.68/month'],
  [0.004, 0, 0, '+$0.004/month', ' $0.00/month'],
  [0, 0, 0, '$0.00/month', '$0.00/month'],
  [0, 0, 2, '$0.00/month, and 2 whose cost is not known', '$0.00/month'],
  [null, 3, 9, 'not known, and 9 whose cost is not known', '$3.00/month'],
])('%s open and %s saved, %s unknown: amounts end below each other', (...row) => {
  const [open, saved, unknown, openShown, savedShown] = row;
  const text = renderCosts({
    open_drift_cost_usd_monthly: open,
    open_drifts_without_cost: unknown,
    saved_usd_this_month: saved,
  });
  const [first = '', second = ''] = text.split('\n');
  expect(first.replace(/^Open drift: +/, '')).toBe(openShown);
  expect(second.replace(/^Saved this month: +/, '')).toBe(savedShown.trim());
  const end = (line: string) => line.replace(/, and .*/, '').length;
  expect(end(first)).toBe(end(second));
});
