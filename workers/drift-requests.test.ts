import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { toFailure } from '../activities/interceptor.ts';
import { AppError } from '../lib/errors.ts';
import { toAppError } from './drift-requests.ts';

describe('what an activity refused with', () => {
  it('is told once, with what to do beside it', () => {
    const refused = toAppError(toFailure(new AppError('NOT_FOUND', 'there is no change set nope')));
    expect(refused).toMatchObject({
      ...{ code: 'NOT_FOUND', message: 'there is no change set nope' },
      repair: 'List what exists, then name it again.',
    });
  });

  it('keeps the repair of that very error', () => {
    const repair = 'Name the space too: `space/change-set`.';
    const failure = toFailure(new AppError('AMBIGUOUS', 'two', { details: { repair } }));
    expect(failure.message).toBe(`two. ${repair}`);
    expect(toAppError(new Error('wrapped', { cause: failure }))).toMatchObject({
      ...{ code: 'AMBIGUOUS', message: 'two', repair },
    });
  });

  it('may come from a validator, which says no repair', () => {
    const failure = ApplicationFailure.nonRetryable('a fix is under way', 'CONFLICT');
    expect(toAppError(failure)).toMatchObject({ code: 'CONFLICT', message: 'a fix is under way' });
  });
});
