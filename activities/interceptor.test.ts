import { expect, test } from 'vitest';
import { AppError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { createActivityInterceptor, toFailure } from './interceptor.ts';

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

test('what people cannot be told is tried again, and does not make a step fail for ever', async () => {
  const stepAt = (attempt: number) => {
    const { execute } = createActivityInterceptor(
      { info: { activityType: 'applyUnit', attempt }, heartbeat: () => {} },
      {
        store: { episodes: { appendStep: async () => attempt } },
        log: createLog('silent'),
        announce: () => Promise.reject(new Error('a fault in what is said')),
      },
    );
    const input = { args: [{ episodeId: 'd1', key: 'apply#1' }], headers: {} };
    return execute?.(input, async () => ({ revision: 3 }));
  };
  await expect(stepAt(1)).rejects.toThrow('a fault in what is said');
  expect(await stepAt(6)).toEqual({ revision: 3 });
});
