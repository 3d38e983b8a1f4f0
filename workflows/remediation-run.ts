import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import type { Judgement } from '../activities/judge.ts';
import type { Finding, Outcome } from '../drift/record.ts';
import { askAgain, type Observation, type RemediateInput } from './messages.ts';
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
  /** Fixes of the present difference that failed. */
  failures: number;
  /** The difference that the last look found. */
  lastDigest: string | undefined;
  opened: boolean;
  /** A desired change has been left unapplied for long enough to ask about it. */
  graceOver: boolean;
  /** Confirmations in a row that found another difference than the one detected. */
  looksAgain: number;
  /** Who wants to be asked although this difference was decided about. */
  askedBy: string | undefined;
  /** Episode whose plan this run waits or has waited for. */
  sharedWith: string | undefined;
  /** Observations up to here are covered by the last comparison. */
  seenSeq: number;
};

/** What the run is looking at: the difference, what the policy makes of it, and what holds a fix back. */
export type Case = Judgement & {
  readonly finding: Finding;
  /** What its confirmation adds to the question. */
  readonly caution?: string;
};

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
  const run: Run = Object.assign(openState(input.episodeId, first), {
    input,
    questionNumber: carried?.questionNumber ?? 0,
    attempt: carried?.attempt ?? 0,
    looks: carried?.looks ?? 0,
    decidedDigests: new Set(carried?.decidedDigests ?? []),
    opened: carried?.opened ?? false,
    conflicts: 0,
    failures: 0,
    lastDigest: undefined,
    graceOver: false,
    looksAgain: 0,
    askedBy: carried?.askedBy,
    sharedWith: carried?.sharedWith,
    seenSeq: first.seq,
  });
  hearRequests(run);
  return run;
}

function hearRequests(run: Run): void {
  setHandler(
    askAgain,
    ({ person }) => {
      run.decidedDigests.clear();
      run.askedBy = person;
      return 'looking again; a question follows if the drift is still there';
    },
    {
      description: 'A person wants to be asked about this drift (again).',
      validator: (_input): undefined => {
        if (run.question) {
          throw ApplicationFailure.nonRetryable(
            `question ${run.question.id} is open already`,
            'CONFLICT',
          );
        }
        if (run.phase === 'fixing' || run.phase === 'verifying') {
          throw ApplicationFailure.nonRetryable('the drift is being fixed', 'CONFLICT');
        }
        return undefined;
      },
    },
  );
}

/**
 * True once the watcher has seen something else, after our look, than the difference that is being dealt with, or once somebody
 * wants to be asked about it.
 */
export function hasMoved(run: Run, finding: Finding): boolean {
  if (run.askedBy !== undefined && !run.question) return true;
  return unseen(run).some((one) => one.digest !== finding.diffDigest);
}

/** What was said of the resource after the last comparison began. */
export function unseen({ observation, seenSeq, hints }: Run): readonly Observation[] {
  return [...(observation.seq > seenSeq ? [observation] : []), ...hints];
}

/** A comparison begins: it covers whatever was said so far. */
export function coverAll(run: Run): void {
  run.seenSeq = run.observation.seq;
  run.hints = [];
}

/** This difference has been settled, by a decision or a failure: it is not asked about or tried again. */
export function remember(run: Run, digest: string): void {
  run.decidedDigests.add(digest);
  const [oldest] = run.decidedDigests;
  if (run.decidedDigests.size > MAX_REMEMBERED_DIGESTS && oldest) run.decidedDigests.delete(oldest);
}
