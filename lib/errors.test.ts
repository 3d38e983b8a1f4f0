import { expect, test } from 'vitest';
import { AppError, withRepair } from './errors.ts';

test.each([
  ['there is no unit nope', 'there is no unit nope. Look.'],
  ['there is no unit nope.', 'there is no unit nope. Look.'],
  ['ConfigHub answered "no such unit."', 'ConfigHub answered "no such unit." Look.'],
  ['what is it? ', 'what is it? Look.'],
  ['it ended (exit code 1)', 'it ended (exit code 1). Look.'],
])('%s is a sentence of its own before what to do', (message, both) => {
  const details = { repair: 'Look.' };
  expect(withRepair(new AppError('NOT_FOUND', message, { details }))).toBe(both);
});
