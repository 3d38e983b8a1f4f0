import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import type { Judgement } from '../activities/types.ts';
import type { PolicyOutcome, PolicyRule } from '../drift/decide/policy.ts';
import type { Finding, Outcome } from '../drift/decide/record.ts';
import { carriedQuestion, takeUp } from './carried-question.ts';
import { hearCorrections } from './correction.ts';
import {
  askAgain,
  type CarriedState,
  type CorrectDriftInput,
  type Observation,
  type RemediateInput,
  type Settled,
  type Snoozed,
} from './messages.ts';
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
  /** Since a fix failed or was undone the drift has not come to rest: both are counted beyond the present difference. */
  isContested: boolean;
  /** The difference that the last look found. */
  lastDigest: string | undefined;
  opened: boolean;
  /** Since when desired is ahead of live; undefined while it is not. The grace is counted from there, whatever else happens. */
  pendingSinceMs: number | undefined;
  /** The grace was over when the last look began, which judged by that. */
  isGraceOver: boolean;
  /** No unit declares the object: there is nothing to fix, and nothing to ask about. */
  isUndeclared: boolean;
  /** The difference that a model was asked about last. */
  explained: string | undefined;
  /** Confirmations in a row that found another difference than the one detected. */
  looksAgain: number;
  /** Who wants to be asked although this difference was decided about. */
  askedBy: string | undefined;
  /** Episode whose plan this run waits or has waited for. */
  sharedWith: string | undefined;
  /** Observations up to here are covered by the last comparison. */
  seenSeq: number;
  /** How the run stands while it only waits; undefined while it is at work. */
  standing: Standing | undefined;
  /** How the differences of `decidedDigests` were settled, as far as this run saw it. */
  readonly settled: Map<string, Settled>;
  /** The bulk correction that wants the next fix within its change set. */
  correction: CorrectDriftInput | undefined;
  /** What the open question is asked under. */
  asked: { readonly rule: PolicyRule; readonly outcome: PolicyOutcome } | undefined;
  /** A snooze that the next look at the same difference goes on with. */
  snoozed: Snoozed | undefined;
  /** Set once the episode is closed. */
  ended: Next['end'];
  /** A fresh history is about to go on. */
  handsOver: boolean;
};

/** A way of waiting, and the sentence that says why. */
export type Standing = { readonly phase: string; readonly message: string };

/** What the run is looking at: the difference, what the policy makes of it, and what holds a fix back. */
export type Case = Judgement & {
  readonly finding: Finding;
  /** The API server is to confirm it before anything follows from it. */
  readonly confirms: boolean;
  /** A model is to explain it to people. */
  readonly explains: boolean;
  /** What its confirmation adds to the question. */
  readonly caution?: string;
};

/** What became of one look: the episode ended, or the run looks again after the resource moved. */
export type Next = {
  readonly end?: {
    readonly outcome: Outcome;
    readonly message: string;
    /** A comparison after a fix has found no difference. */
    readonly isVerified?: true;
    /** It differs again already. */
    readonly recurs?: true;
  };
};

/** The resource moved, or may have: what was known of it no longer counts. */
export const LOOK_AGAIN: Next = {};

const MAX_REMEMBERED_DIGESTS = 50;
/** Of what is said of them, beside an open question of 40 KiB at most: no payload is over 64 KiB. */
const MAX_CARRIED_CHARS = 8_000;

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
    conflicts: carried?.counted?.conflicts ?? 0,
    failures: carried?.counted?.failures ?? 0,
    isContested: carried?.counted?.isContested ?? false,
    lastDigest: carried?.counted?.lastDigest,
    pendingSinceMs: carried?.pendingSinceMs,
    isGraceOver: false,
    isUndeclared: false,
    explained: carried?.counted?.explained,
    looksAgain: carried?.counted?.looksAgain ?? 0,
    askedBy: carried?.askedBy,
    sharedWith: carried?.sharedWith,
    seenSeq: first.seq,
    standing: undefined,
    settled: new Map<string, Settled>(carried?.settled),
    correction: undefined,
    asked: undefined,
    snoozed: carried?.snoozed,
    ended: undefined,
    handsOver: false,
  });
  if (carried?.asked) {
    const { rule, outcome } = carried.asked;
    run.asked = { rule, outcome };
    takeUp(run, carried.asked);
  }
  run.pause = carried?.pause;
  hearRequests(run);
  hearCorrections(run);
  return run;
}

/** What a fresh history has to know of this one. */
export function carriedOf(run: Run): CarriedState {
  const { observation, questionNumber, attempt, looks, opened, askedBy, sharedWith } = run;
  const { lastDigest, explained, conflicts, failures, isContested, looksAgain } = run;
  const { pause, pendingSinceMs, snoozed } = run;
  const open = carriedQuestion(run);
  return {
    ...{ observation, questionNumber, attempt, looks, opened },
    decidedDigests: [...run.decidedDigests],
    counted: {
      ...{ conflicts, failures, isContested, looksAgain },
      ...(lastDigest !== undefined && { lastDigest }),
      ...(explained !== undefined && { explained }),
    },
    settled: lastSettled(run),
    ...(askedBy !== undefined && { askedBy }),
    ...(sharedWith !== undefined && { sharedWith }),
    ...(pendingSinceMs !== undefined && { pendingSinceMs }),
    ...(snoozed && { snoozed }),
    ...(pause && { pause }),
    ...(open && run.asked && { asked: { ...open, ...run.asked } }),
  };
}

/** The newest ones whose messages fit; the others stay decided about, and only their record says how. */
function lastSettled({ settled }: Run): NonNullable<CarriedState['settled']> {
  let leftChars = MAX_CARRIED_CHARS;
  const newest = [...settled].toReversed();
  const tooMany = newest.findIndex(([, { message }]) => {
    leftChars -= message.length;
    return leftChars < 0;
  });
  return (tooMany < 0 ? newest : newest.slice(0, tooMany)).toReversed();
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
        if (run.isUndeclared) {
          throw ApplicationFailure.nonRetryable(
            'no unit declares this object, so nothing can be fixed: declare it, delete it, or let an ignore rule expect it',
            'CONFLICT',
          );
        }
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
 * True once there is a reason to look again: another difference, another object of the unit that drifts, or somebody who wants to
 * be asked.
 */
export function hasMoved(run: Run, finding: Finding): boolean {
  return run.askedBy !== undefined || run.stirred.has('unit') || differsOtherwise(run, finding);
}

/** True once something else was seen, after our look, than the difference that is being dealt with. */
export function differsOtherwise(run: Run, finding: Finding): boolean {
  return unseen(run).some((one) => one.digest !== finding.diffDigest);
}

/** When a desired change has been left unapplied for long enough to ask about it. */
export function graceEndMs({ pendingSinceMs, input }: Run): number {
  return (pendingSinceMs ?? Date.now()) + input.pendingGraceMs;
}

/** What was said of the resource after the last comparison began. */
export function unseen({ observation, seenSeq, hints }: Run): readonly Observation[] {
  return [...(observation.seq > seenSeq ? [observation] : []), ...hints];
}

/** A comparison begins: it covers whatever was said so far. */
export function coverAll(run: Run): void {
  run.seenSeq = run.observation.seq;
  run.hints = [];
  run.stirred.clear();
  run.standing = undefined;
}

/** This difference has been settled, by a decision or a failure: it is not asked about or tried again. */
export function remember(run: Run, digest: string, standing: Settled): void {
  run.decidedDigests.add(digest);
  run.settled.set(digest, standing);
  const [oldest] = run.decidedDigests;
  if (run.decidedDigests.size > MAX_REMEMBERED_DIGESTS && oldest) {
    run.decidedDigests.delete(oldest);
    run.settled.delete(oldest);
  }
}
