import { expect, test } from 'vitest';
import { AppError, NO_SPACE } from '../lib/errors.ts';
import { createLog, type Log } from '../lib/log.ts';
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

test.each([
  [0, 100],
  [30_000, 30_000],
  [86_400_000, 600_000],
])('a server that asks for a pause of %i ms gets one of %i ms', (retryAfterMs, delayMs) => {
  const busy = new AppError('CLAUDE_UNAVAILABLE', 'busy', { details: { retryAfterMs } });
  expect(toFailure(busy).nextRetryDelay).toBe(delayMs);
});

test('what the source says for all is not said by each run', async () => {
  const details = { reason: NO_SPACE, repair: 'Make it again.' };
  const gone = new AppError('NOT_FOUND', 'no space', { details });
  const said: string[] = [];
  const say = (level: string) => () => void said.push(level);
  const levels = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const log: Log = { ...levels, child: () => log };
  const { execute } = createActivityInterceptor(
    { info: { activityType: 'detect', attempt: 1 }, heartbeat: () => {} },
    { store: { episodes: { appendStep: async () => 1 } }, log, announce: async () => {} },
  );
  const input = { args: [{ episodeId: 'd1', key: '1' }], headers: {} };
  const run = (error: Error) => execute?.(input, () => Promise.reject(error));
  // Which Temporal's worker logs as quietly.
  await expect(run(gone)).rejects.toMatchObject({ type: 'NOT_FOUND', category: 'BENIGN' });
  expect(said).toEqual(['debug']);
  await expect(run(new AppError('NOT_FOUND', 'no unit'))).rejects.toThrow('no unit');
  expect(said).toEqual(['debug', 'warn']);
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
