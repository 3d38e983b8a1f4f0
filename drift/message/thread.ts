import type { Notice } from '../decide/notice.ts';
import type { Question } from '../decide/record.ts';
import { type DecisionView, isFinal, type MessageView } from './message-view.ts';
import type { Event } from './route.ts';

/** Something that is said below a headline, once, so that people hear of it. */
export type Reply = {
  /** Tells the replies of one thread apart. */
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
} & (
  | { readonly kind: 'approval'; readonly decision: DecisionView }
  /** Somebody approved alone, in an emergency. */
  | { readonly kind: 'alone'; readonly decision: DecisionView }
  | { readonly kind: 'changed' }
  | { readonly kind: 'reminder'; readonly addressees: readonly string[]; readonly isLast: boolean }
  | { readonly kind: 'escalation'; readonly addressees: readonly string[] }
  | { readonly kind: 'failed' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'ended' }
);

/** What is known of one episode or promotion beside the view of it. */
export type ThreadFacts = {
  readonly view: MessageView;
  /** Newest first. */
  readonly questions: readonly Question[];
  /** Oldest first. */
  readonly notices: readonly Notice[];
  /** How often the rule reminds. */
  readonly reminders: number;
};

/** What a drift is, seen from outside, when it is first told of; undefined where there is nothing (any more) to begin with. */
export function eventOf({
  view,
  notices,
}: Pick<ThreadFacts, 'view' | 'notices'>): Event | undefined {
  switch (view.state) {
    case 'waiting':
      return view.question?.status === 'open' ? 'question' : undefined;
    case 'failed':
    case 'partly-fixed':
      return 'failure';
    case 'fixed':
      return view.question === undefined ? 'fix' : undefined;
    case 'notified':
      return notices.some((one) => one.kind === 'drift') ? 'notice' : undefined;
    default:
      return undefined;
  }
}

/** What is to be heard below a headline that was posted at `postedAt`; what happened before is part of the headline itself. */
export function repliesOf(facts: ThreadFacts, postedAt: string): readonly Reply[] {
  const found = [
    ...changed(facts),
    ...approvals(facts),
    ...alone(facts),
    ...calls(facts),
    ...ended(facts),
  ];
  return found.filter((one) => one.at > postedAt);
}

/** Notices that stand for themselves: what they are about is not one drift. */
export function ownNotices(notices: readonly Notice[]): readonly Notice[] {
  return notices.filter((one) => one.kind === 'blast' || one.kind === 'flapping');
}

function changed({ view, questions }: ThreadFacts): readonly Reply[] {
  const [present, before] = questions;
  if (view.state !== 'waiting' || !present || !before) return [];
  if (before.status !== 'withdrawn' && before.status !== 'superseded') return [];
  return [{ kind: 'changed', id: `changed:${present.id}`, at: present.askedAt }];
}

/** Answers that have not decided yet: the next one is wanted. */
function approvals({ view }: ThreadFacts): readonly Reply[] {
  const { question, decisions, state } = view;
  if (state !== 'waiting' || !question) return [];
  const counted = decisions.filter(
    (one) => !one.isAlone && question.approvals.includes(one.person),
  );
  return counted.map((decision) => ({
    ...{ kind: 'approval', decision, at: decision.at },
    id: `${decision.decision}:${question.id}:${decision.person}`,
  }));
}

/** Everybody is to hear of it, however it goes on. */
function alone({ view: { question, decisions } }: ThreadFacts): readonly Reply[] {
  return decisions
    .filter((one) => one.isAlone)
    .map((decision) => ({
      ...{ kind: 'alone', decision, at: decision.at },
      id: `alone:${question?.id ?? ''}:${decision.person}`,
    }));
}

/** Only the newest call of the open question: after an outage people hear one, not all that they missed. */
function calls({ view, notices, reminders }: ThreadFacts): readonly Reply[] {
  const { question, state } = view;
  if (state !== 'waiting' || !question) return [];
  const ours = notices.filter((one) => one.questionId === question.id);
  const reminder = ours.findLast((one) => one.kind === 'reminder');
  const escalation = ours.findLast((one) => one.kind === 'escalation');
  const isLast = question.reminded >= reminders;
  return [
    ...(reminder ? [{ kind: 'reminder', ...callOf(reminder), isLast } as const] : []),
    ...(escalation ? [{ kind: 'escalation', ...callOf(escalation) } as const] : []),
  ];
}

function callOf({ id, at, addressees }: Notice) {
  return { id: `call:${id}`, at, addressees };
}

function ended({ view, questions }: ThreadFacts): readonly Reply[] {
  const { state } = view;
  const at = view.endedAt ?? questions[0]?.closedAt;
  if (!isFinal(state) || at === undefined) return [];
  const kind = state === 'failed' || state === 'expired' ? state : 'ended';
  return [{ kind, id: `${state}:${view.question?.number ?? 0}`, at }];
}
