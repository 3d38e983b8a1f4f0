import { expect, test } from 'vitest';
import { causesOf, errorOfAnswer } from './status-error.ts';

test('a refusal names the field and not the value, in its message and in its causes', () => {
  const cause = { reason: 'FieldValueInvalid', field: 'data[x]' };
  const error = errorOfAnswer(
    'patch secrets',
    422,
    JSON.stringify({
      kind: 'Status',
      code: 422,
      reason: 'Invalid',
      message: 'Secret "a" is invalid: data[x]: Invalid value: "canary": too long',
      details: { causes: [{ ...cause, message: 'Invalid value: "canary": too long' }] },
    }),
  );
  expect(error.message).toBe(
    'patch secrets: Secret "a" is invalid: data[x]: Invalid value: (redacted): too long',
  );
  expect(causesOf(error)).toEqual([{ ...cause, message: 'Invalid value: (redacted): too long' }]);
});

test('neither does an answer in plain text', () => {
  expect(errorOfAnswer('get pods', 422, 'Invalid value: "canary').message).not.toContain('canary');
});
