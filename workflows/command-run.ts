import {
  ActivityFailure,
  CancellationScope,
  isCancellation,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { CommandKind, CommandStatus, UnitResult } from '../drift/decide/command-run.ts';
import { reasonOf } from './execute.ts';
import { reads } from './steps.ts';

/** What every run of a command is started with. */
export type CommandInput = {
  readonly runId: string;
  readonly requestedBy: string;
  readonly startedAt: string;
};

/** Notes the run, should whoever started it have died before doing so. */
export function begin(
  { runId, requestedBy, startedAt }: CommandInput,
  kind: CommandKind,
  subject: string,
): Promise<void> {
  const { workflowId } = workflowInfo();
  return reads.startCommand({
    ...{ episodeId: runId, key: 'start', kind, workflowId, subject, requestedBy, startedAt },
  });
}

/** Writes down how the run stands; `key` tells one such note from another. */
export async function note(
  { runId }: CommandInput,
  key: string,
  change: {
    readonly status?: CommandStatus;
    readonly message?: string;
    readonly changeSet?: string;
    readonly results?: readonly UnitResult[];
  },
): Promise<void> {
  if (change.message !== undefined) setCurrentDetails(change.message);
  const at = new Date().toISOString();
  await reads.noteCommand({ episodeId: runId, key, at, ...change });
}

/** The last word about a run. */
export async function finish(
  { runId }: CommandInput,
  status: CommandStatus,
  message: string,
  results: readonly UnitResult[] = [],
): Promise<void> {
  setCurrentDetails(message);
  const at = new Date().toISOString();
  const end = { at, status, message, results, isEnd: true } as const;
  await reads.noteCommand({ episodeId: runId, key: 'end', ...end });
}

/** Does the work; a step that failed for good, or whoever cancels it, ends the run and is what its record says. */
export async function recorded(
  input: CommandInput,
  work: () => Promise<void>,
  describeCancelled: (error: unknown) => string = () =>
    'Cancelled. What it has begun goes on by itself.',
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isCancellation(error)) {
      const message = describeCancelled(error);
      await CancellationScope.nonCancellable(() => finish(input, 'failed', message));
    }
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    await finish(input, 'failed', reasonOf(error).message);
  }
}
