import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { type Approval, isAlone, refuse } from '../drift/decide/question.ts';
import type { Question } from '../drift/decide/record.ts';
import {
  type DecideAck,
  type DecideInput,
  decide,
  type Observation,
  observed,
  type Pause,
  type RunStatus,
  runStatus,
  type Surrounding,
  stirred,
  UNORDERED,
} from './messages.ts';
import { PHASE } from './search-attributes.ts';

/** What one run knows while it lives. Handlers only change this; the main function acts on it. */
export type RunState = {
  readonly episodeId: string;
  phase: string;
  observation: Observation;
  /** Observations so far that were newer than those before. */
  heard: number;
  /**
   * What was said out of the watcher's order since the last look. It may be older than `observation`, so it is kept beside. Two
   * digests are enough to know that something moved: one of them at most is the difference that the run deals with.
   */
  hints: readonly Observation[];
  /** What changed around the difference since the last look. */
  readonly stirred: Set<Surrounding>;
  question: Question | undefined;
  approvals: Approval[];
  /** Those that a door has stored: what counts towards a quorum. The validator's own, above, cannot know that yet. */
  votes: Vote[];
  /** Answers that the validator let through and the main function has not looked at yet. */
  unread: DecideInput[];
  final: DecideInput | undefined;
  /** What the run waits out before it tries again what has failed. */
  pause: Pause | undefined;
  /** When such a wait was over last, milliseconds since the epoch. */
  triedAgainMs: number;
  /** What Temporal's list of runs is to say of this one, by name of the search attribute; and what it says now. */
  readonly traits: Map<string, Trait>;
  readonly shown: Map<string, string | null>;
};

/** An answer that counts towards a quorum. */
export type Vote = Approval & { readonly answer: DecideInput };

/** One search attribute; null takes it away. */
export type Trait = { readonly key: typeof PHASE; readonly value: string | null };

/** Registers every handler before the first await, so that no message finds a run without ears. */
export function openState(episodeId: string, observation: Observation): RunState {
  const state: RunState = {
    episodeId,
    phase: 'starting',
    observation,
    heard: 0,
    hints: [],
    stirred: new Set(),
    question: undefined,
    approvals: [],
    votes: [],
    unread: [],
    final: undefined,
    pause: undefined,
    triedAgainMs: 0,
    traits: new Map(),
    shown: new Map(),
  };
  setHandler(
    observed,
    (next) => {
      if (next.seq === UNORDERED) {
        const others = state.hints.filter((one) => one.digest !== next.digest);
        state.hints = [next, ...others].slice(0, 2);
      } else if (next.seq > state.observation.seq) {
        state.observation = next;
        state.heard += 1;
      }
    },
    { description: 'The watcher compared the resource again, or somebody else did.' },
  );
  setHandler(stirred, (what) => void state.stirred.add(what), {
    description: 'Another object of the unit drifts otherwise, or an author became known.',
  });
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
    state.approvals = [...others, voteOf(input, input.decision)];
    const count = state.approvals.filter((one) => one.decision === input.decision).length;
    const isEnough = count >= needed || isAlone(input);
    if (isEnough) state.final = input;
    return {
      status: isEnough ? `${input.decision} taken` : 'counted',
      approvals: count,
      needed,
    };
  }
  state.final = input;
  return { status: `${input.decision} taken`, approvals: state.approvals.length, needed };
}

/** An answer as it counts towards a quorum. */
export function voteOf(answer: DecideInput, decision: Approval['decision']): Approval {
  return { person: answer.person, decision, ...(isAlone(answer) && { isAlone: true }) };
}

/** Moves the run to a phase in which it stays for a while, for the Temporal UI: search attributes and Markdown details. */
export function enter(state: RunState, phase: string, details: string): void {
  pass(state, phase, details);
  show(state);
}

/**
 * Moves the run to a phase that is over in milliseconds, if all goes well: the list of runs, where each change costs as much as a step,
 * is told of it only by `show`.
 */
export function pass(state: RunState, phase: string, details: string): void {
  setCurrentDetails(details);
  state.phase = phase;
  note(state, { key: PHASE, value: phase });
}

/** To be shown together with the next phase that lasts. */
export function note(state: RunState, ...traits: readonly Trait[]): void {
  for (const trait of traits) state.traits.set(trait.key.name, trait);
}

/** Tells Temporal's list of runs what it does not say yet. */
export function show({ traits, shown }: RunState): void {
  const news = [...traits.values()].filter(({ key, value }) => shown.get(key.name) !== value);
  if (news.length === 0) return;
  upsertSearchAttributes(news);
  for (const { key, value } of news) shown.set(key.name, value);
}

/** Every answer that was let through has been returned; only then may a run end. */
export async function drained(): Promise<void> {
  await condition(allHandlersFinished);
}

/** True when the history has grown so long that the run should hand over to a fresh one. */
export function isHistoryLong(): boolean {
  return workflowInfo().continueAsNewSuggested;
}

/** The same, for what may last for months: it is interrupted for that, and goes on in the fresh history. */
export function isToHandOver(): boolean {
  // Runs that began before waits could be interrupted go on as they began.
  return isHistoryLong() && patched('waits-hand-over');
}
