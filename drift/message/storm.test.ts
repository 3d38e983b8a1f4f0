import { describe, expect, it } from 'vitest';
import {
  admit,
  CALM,
  FLUSH_AT,
  flush,
  isDue,
  leadsOf,
  MAX_SINGLES,
  type Storm,
  WINDOW_MS,
} from './storm.ts';

const NOW = 1_000_000;

function admitted(count: number, unposted = 0): { storm: Storm; singles: number } {
  let storm = CALM;
  let singles = 0;
  for (let index = 0; index < count; index += 1) {
    const next = admit(storm, `d${index}`, NOW, unposted);
    storm = next.storm;
    if (next.single) singles += 1;
  }
  return { storm, singles };
}

describe('admit', () => {
  it('posts the first few at once and gathers the rest', () => {
    const { storm, singles } = admitted(MAX_SINGLES + 3);
    expect(singles).toBe(MAX_SINGLES);
    expect(storm.gathered).toEqual(['d5', 'd6', 'd7']);
  });

  it('begins anew after the window, but not while nothing can be posted', () => {
    const { storm } = admitted(MAX_SINGLES);
    expect(admit(storm, 'later', NOW + WINDOW_MS, 0).single).toBe(true);
    expect(admit(storm, 'later', NOW + WINDOW_MS, MAX_SINGLES).single).toBe(false);
  });
});

describe('what was gathered', () => {
  it('waits for the window or for enough, and not for ever behind what cannot be posted', () => {
    const { storm } = admitted(MAX_SINGLES + 2);
    expect(isDue(storm, NOW, 0)).toBe(false);
    expect(isDue(storm, NOW + WINDOW_MS, 0)).toBe(true);
    expect(isDue(storm, NOW + WINDOW_MS, 1)).toBe(false);
    expect(isDue(admitted(MAX_SINGLES + FLUSH_AT).storm, NOW, 5)).toBe(true);
  });

  it('is posted by itself where it is little, else in one digest that takes what follows', () => {
    const few = flush(admitted(MAX_SINGLES + 2).storm, NOW, () => 'g');
    expect(few).toMatchObject({ singles: ['d5', 'd6'] });
    expect(few.digest).toBeUndefined();
    const many = flush(admitted(MAX_SINGLES + FLUSH_AT).storm, NOW, () => 'g');
    expect(many).toMatchObject({ singles: [], digest: 'g' });
    const next = admit(many.storm, 'one more', NOW + 1, 0);
    expect(next.single).toBe(false);
    expect(isDue(next.storm, NOW + 1, 3)).toBe(true);
    expect(flush(next.storm, NOW + 1, () => 'other').digest).toBe('g');
  });
});

describe('leadsOf', () => {
  it('takes the worst, as many as there is room for', () => {
    const all = [
      { subject: 'a', severity: 'low' },
      { subject: 'b', severity: 'critical' },
      { subject: 'c', severity: 'high' },
    ] as const;
    expect([...leadsOf(all, 3)]).toEqual(['b', 'c']);
    expect([...leadsOf(all, 5)]).toEqual([]);
  });
});
