import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { type Approval, refuse } from '../drift/question.ts';
import type { Question } from '../drift/record.ts';
import {
  type DecideAck,
  type DecideInput,
  decide,
  type Observation,
  observed,
  type RunStatus,
  runStatus,
  UNORDERED,
} from './messages.ts';
import { PHASE } from './search-attributes.ts';

/** What one run knows while it lives. Handlers only change this; the main function acts on it. */
export type RunState = {
  readonly episodeId: string;
  phase: string;
  observation: Observation;
  /**
   * What was said out of the watcher's order since the last look. It may be older than `observation`, so it is kept beside. Two
   * digests are enough to know that something moved: one of them at most is the difference that the run deals with.
   */
  hints: readonly Observation[];
  question: Question | undefined;
  approvals: Approval[];
  /** Answers that the validator let through and the main function has not looked at yet. */
  unread: DecideInput[];
  final: DecideInput | undefined;
};

/** Registers every handler before the first await, so that no message finds a run without ears. */
export function openState(episodeId: string, observation: Observation): RunState {
  const state: RunState = {
    episodeId,
    phase: 'starting',
    observation,
    hints: [],
    question: undefined,
    approvals: [],
    unread: [],
    final: undefined,
  };
  setHandler(
    observed,
    (next) => {
      if (next.seq === UNORDERED) {
        const others = state.hints.filter((one) => one.digest !== next.digest);
        state.hints = [next, ...others].slice(0, 2);
      } else if (next.seq > state.observation.seq) state.observation = next;
    },
    { description: 'The watcher compared the resource again, or somebody else did.' },
  );
  setHandler(decide, (input): DecideAck => take(state, input), {
    description:
      'A person answers the open question. Sent by the api, which stored the decision first.',
    validator: (input): undefined => {
      const refusal = refuse(state, input, Date.now());
      if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
      return undefined;
    },
  });
  setHandler(
    runStatus,
    (): RunStatus => ({
      episodeId,
      phase: state.phase,
      ...(state.question && { question: state.question.id }),
      approvals: state.approvals.map((one) => one.person),
    }),
    { description: 'Where this run stands.' },
  );
  return state;
}

/** State changes only: the effect follows in the main function, so handlers never overlap. */
function take(state: RunState, input: DecideInput): DecideAck {
  state.unread.push(input);
  const needed = state.question?.quorum ?? 0;
  if (input.decision === 'approve' || input.decision === 'accept') {
    // A person has one voice: accepting after approving replaces it.
    const others = state.approvals.filter((one) => one.person !== input.person);
    state.approvals = [...others, { person: input.person, decision: input.decision }];
    const count = state.approvals.filter((one) => one.decision === input.decision).length;
    if (count >= needed) state.final = input;
    return {
      status: count >= needed ? `${input.decision} taken` : 'counted',
      approvals: count,
      needed,
    };
  }
  state.final = input;
  return { status: `${input.decision} taken`, approvals: state.approvals.length, needed };
}

/** Moves the run to a phase, for the Temporal UI: search attribute and Markdown details. */
export function enter(state: RunState, phase: string, details: string): void {
  setCurrentDetails(details);
  if (state.phase === phase) return;
  state.phase = phase;
  upsertSearchAttributes([{ key: PHASE, value: phase }]);
}

/** Every answer that was let through has been returned; only then may a run end. */
export async function drained(): Promise<void> {
  await condition(allHandlersFinished);
}

/** True when the history has grown so long that the run should hand over to a fresh one. */
export function isHistoryLong(): boolean {
  return workflowInfo().continueAsNewSuggested;
}
