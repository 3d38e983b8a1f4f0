import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ACTIVITIES, drawn, faultTable, fullProduct, playedActivities } from './fault-cases.ts';

test('every activity is failed in a scenario, or it is said why not', async () => {
  const played = new Set(playedActivities().map((one) => one.activity));
  const left = Object.entries(ACTIVITIES).filter(([name]) => !played.has(name as never));
  expect(left.filter(([, use]) => typeof use === 'string')).toEqual([]);
});

test('three activities are drawn for each fault, the same ones for the same seed', () => {
  const faults = new Set(fullProduct().map((one) => one.fault));
  const sample = drawn(7);
  for (const fault of faults) {
    const ofFault = sample.filter((one) => one.fault === fault);
    expect(new Set(ofFault.map((one) => `${one.scenario} ${one.activity}`)).size).toBe(3);
    expect(ofFault).toHaveLength(3);
  }
  expect(drawn(7)).toEqual(sample);
  expect(drawn(8)).not.toEqual(sample);
});

test('docs/operations.md tells what is tried', async () => {
  const page = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');
  expect(page).toContain(faultTable());
});
