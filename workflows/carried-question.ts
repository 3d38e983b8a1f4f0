import type { DecideInput, OpenQuestion } from './messages.ts';
import type { RunState, Vote } from './run-state.ts';

/** The open question with its answers, for a fresh history; undefined where nobody is asked. */
export function carriedQuestion({
  question,
  approvals,
  votes,
  unread,
  final,
}: RunState): OpenQuestion | undefined {
  return (
    question && {
      ...{ question, approvals, unread },
      votes: votes.map((one) => one.answer),
      ...(final && { final }),
    }
  );
}

/** Whoever answers before the first look of the fresh history must find the question as it was. */
export function takeUp(state: RunState, asked: OpenQuestion | undefined): void {
  if (!asked) return;
  const { question, approvals, votes, unread, final } = asked;
  state.question = question;
  state.approvals = [...approvals];
  state.votes = votes.flatMap(voteOf);
  state.unread = [...unread];
  // One that waits to be looked at is the same object as that.
  state.final = unread.find((one) => one.decisionId === final?.decisionId) ?? final;
}

function voteOf(answer: DecideInput): Vote[] {
  const { person, decision } = answer;
  return decision === 'approve' || decision === 'accept' ? [{ person, decision, answer }] : [];
}
