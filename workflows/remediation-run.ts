import type { PolicyDecision } from '../drift/policy.ts';
import type { Finding, Outcome } from '../drift/record.ts';
import type { Observation, RemediateInput } from './messages.ts';
import { openState, type RunState } from './run-state.ts';

/** A run's state and what it remembers of its own history. */
export type Run = RunState & {
  readonly input: RemediateInput;
  questionNumber: number;
  /** Fixes tried so far. */
  attempt: number;
  /** Comparisons so far. With `attempt` it makes the keys of steps, which must not repeat within an episode. */
  looks: number;
  /** Differences that people or failures have settled: not asked or tried again. */
  readonly decidedDigests: Set<string>;
  /** Fixes that found the unit or the drift changed under them. */
  conflicts: number;
  opened: boolean;
  /** A desired change has been left unapplied for long enough to ask about it. */
  graceOver: boolean;
  /** Observations up to here are covered by the last comparison. */
  seenSeq: number;
};

/** What the run is looking at: the difference, and what the policy makes of it. */
export type Case = { readonly finding: Finding; readonly decision: PolicyDecision };

/** What became of one look: the episode ended, or the run looks again after the resource moved. */
export type Next = { readonly end?: { readonly outcome: Outcome; readonly message: string } };

/** The resource moved, or may have: what was known of it no longer counts. */
export const LOOK_AGAIN: Next = {};

const MAX_REMEMBERED_DIGESTS = 50;

/** A run at its beginning, or going on where the one before it in the chain left off. */
export function openRun(input: RemediateInput): Run {
  const carried = input.carried;
  const first: Observation = carried?.observation ?? {
    seq: 0,
    digest: 'unseen',
    episodeId: input.episodeId,
  };
  return Object.assign(openState(input.episodeId, first), {
    input,
    questionNumber: carried?.questionNumber ?? 0,
    attempt: carried?.attempt ?? 0,
    looks: carried?.looks ?? 0,
    decidedDigests: new Set(carried?.decidedDigests ?? []),
    opened: carried?.opened ?? false,
    conflicts: 0,
    graceOver: false,
    seenSeq: first.seq,
  });
}

/** True once the watcher has seen something else, after our look, than the difference that is being dealt with. */
export function hasMoved(run: Run, finding: Finding): boolean {
  return run.observation.seq > run.seenSeq && run.observation.digest !== finding.diffDigest;
}

/** This difference has been settled, by a decision or a failure: it is not asked about or tried again. */
export function remember(run: Run, digest: string): void {
  run.decidedDigests.add(digest);
  const [oldest] = run.decidedDigests;
  if (run.decidedDigests.size > MAX_REMEMBERED_DIGESTS && oldest) run.decidedDigests.delete(oldest);
}
