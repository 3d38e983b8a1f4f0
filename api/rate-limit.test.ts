import { expect, test } from 'vitest';
import { createRateLimit } from './rate-limit.ts';

test('counts each key by itself and starts anew with the next window', () => {
  let now = 0;
  const count = createRateLimit(1, () => new Date(now));
  for (let i = 0; i < 10; i++) count('ann');
  expect(() => count('ann')).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS' }));
  count('bob');
  now = 10_000;
  count('ann');
});

test('more keys than it remembers share one count', () => {
  const count = createRateLimit(1, () => new Date(0));
  for (let i = 0; i < 10_000; i++) count(`key-${i}`);
  for (let i = 0; i < 10; i++) count(`late-${i}`);
  expect(() => count('one-more')).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS' }));
});
