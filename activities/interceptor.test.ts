import { expect, test } from 'vitest';
import { AppError } from '../lib/errors.ts';
import { toFailure } from './interceptor.ts';

test('a failure keeps no value that a server quoted, and says the rest', () => {
  const refusal =
    'patch secrets: Secret "a" is invalid: data[x]: Invalid value: "canary": too long';
  for (const error of [new AppError('KUBERNETES_REFUSED', refusal), new Error(refusal)]) {
    const failure = toFailure(error);
    expect(failure.message).toContain('data[x]: Invalid value: (redacted): too long');
    expect(`${failure.message} ${failure.stack} ${failure.cause?.stack}`).not.toContain('canary');
  }
});

test('a failure that quotes nothing keeps its code and its cause', () => {
  const error = new AppError('KUBERNETES_REFUSED', 'unknown field "spec.foo"');
  expect(toFailure(error)).toMatchObject({ type: 'KUBERNETES_REFUSED', cause: error });
});
