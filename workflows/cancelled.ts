import { CancellationScope, CancelledFailure, isCancellation } from '@temporalio/workflow';
import { closeQuestion } from './ask.ts';
import { enter, type RunState } from './run-state.ts';

/**
 * Does the work of a run; when somebody cancels it, nobody is left with a question that cannot be answered, and the record says how
 * far it was. The run ends as cancelled all the same.
 */
export async function orLeave<T>(
  state: RunState,
  work: () => Promise<T>,
  record: (message: string) => Promise<void> = async () => {},
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isCancellation(error)) throw error;
    const message = describeCancelled(error, state.phase);
    await CancellationScope.nonCancellable(async () => {
      await closeQuestion(state, 'withdrawn');
      enter(state, 'cancelled', message);
      await record(message);
    });
    throw error;
  }
}

/** How far a cancelled run was: as it says itself, or else by the phase that it was in. */
export function describeCancelled(error: unknown, phase?: string): string {
  const [left] = error instanceof CancelledFailure ? error.details : [];
  if (typeof left === 'string') return `Cancelled. ${left}`;
  return phase === 'verifying'
    ? 'Cancelled. The plan was carried out, and nobody has compared since.'
    : 'Cancelled. Nothing was being written.';
}
