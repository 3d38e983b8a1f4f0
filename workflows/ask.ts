import { condition } from '@temporalio/workflow';
import { QUIET_FOR_MS } from '../drift/decide/notice.ts';
import { describeStep } from '../drift/decide/plan.ts';
import type { PolicyRule } from '../drift/decide/policy.ts';
import { type Approval, hasQuorum, isAlone } from '../drift/decide/question.ts';
import type { Question, QuestionStatus } from '../drift/decide/record.ts';
import { type Call, callsOf, noticeOfCall } from '../drift/decide/reminders.ts';
import type { DecideInput } from './messages.ts';
import { enter, type RunState, voteOf } from './run-state.ts';
import { reads } from './steps.ts';

/** How a question ended. `moved`: the resource changed under it, and what is so now must be looked at first. */
export type Answered =
  | {
      readonly kind: 'approve' | 'accept';
      readonly by: DecideInput;
      /** Everybody's, this one's included. */
      readonly votes: readonly Approval[];
    }
  | { readonly kind: 'reject'; readonly by: DecideInput }
  | { readonly kind: 'snooze'; readonly by: DecideInput; readonly untilMs: number }
  | { readonly kind: 'expired' }
  | { readonly kind: 'moved' };

/** What a question stands on, while people think. */
export type Ground = {
  /** The question is on record: who looks for open questions finds it. */
  readonly opened?: () => Promise<void>;
  /** The difference is another one by now, or none. */
  readonly moved: () => boolean;
  /** Something around it changed: the question may be another one by now. */
  readonly isInDoubt?: () => boolean;
  /** Looks again; answers with the question as it is to be shown now, or with undefined where it is another one. */
  readonly review?: (question: Question) => Promise<Question | undefined>;
};

/**
 * Puts a question to people and waits for its end: enough answers, one rejection, a snooze, expiry, or until the ground has
 * shifted. Reminds on the way as the rule says. An answer without a stored decision has no effect.
 */
export function ask(
  state: RunState,
  question: Question,
  rule: PolicyRule,
  ground: Ground,
): Promise<Answered>;
/**
 * The same, until the run is to go on in a fresh history: then it answers with undefined, and the question stays open with its
 * answers. One that is open already is gone on with.
 */
export function ask(
  state: RunState,
  question: Question,
  rule: PolicyRule,
  ground: Ground,
  isToPause: () => boolean,
): Promise<Answered | undefined>;
export async function ask(
  state: RunState,
  question: Question,
  rule: PolicyRule,
  { opened, moved, isInDoubt = () => false, review }: Ground,
  isToPause = () => false,
): Promise<Answered | undefined> {
  const isOpen = state.question === question;
  if (!isOpen) {
    begin(state, question);
    await reads.openQuestion.executeWithOptions({ summary: `ask ${question.id}` }, [
      { episodeId: state.episodeId, key: question.id, question },
    ]);
    if (opened) await opened();
  }
  enter(state, 'waiting', describeQuestion(question));
  const deadlineMs = Date.parse(question.expiresAt);
  // One that was open before has been heard as often as was due.
  const calls = callsOf(question, rule).filter((one) => !isOpen || one.atMs > Date.now());
  const isDue = () => state.unread.length > 0 || moved() || isInDoubt() || isToPause();
  for (;;) {
    const leftMs = Math.min(calls[0]?.atMs ?? deadlineMs, deadlineMs) - Date.now();
    const summary = calls.length > 0 ? 'until the next reminder' : 'expiry of the question';
    const woke = leftMs > 0 && (await condition(isDue, leftMs, { summary }));
    if (state.unread.length > 0) {
      const answered = await readAnswer(state);
      if (answered) return answered;
    } else if (woke && isToPause() && !moved()) return undefined;
    else if (woke && !moved() && review) {
      const answered = await reconsider(state, review);
      if (answered) return answered;
    } else if (woke) return { kind: 'moved' };
    else if (Date.now() >= deadlineMs) return { kind: 'expired' };
    else await remind(state, state.question, calls.shift());
  }
}

/** From here on it is answered, whether people have been shown it yet or not. */
function begin(state: RunState, question: Question): void {
  state.approvals = [];
  state.votes = [];
  state.unread = [];
  state.final = undefined;
  state.question = question;
}

/** The question stands, maybe with an author who may not approve; or else it has moved. Answers that came meanwhile count first. */
async function reconsider(
  state: RunState,
  review: NonNullable<Ground['review']>,
): Promise<Answered | undefined> {
  const { question } = state;
  const present = question && (await review(question));
  if (!present) return (await answerUntilNow(state)) ?? { kind: 'moved' };
  if (present !== question) await amend(state, present);
  enter(state, 'waiting', describeQuestion(present));
  // Once it is known who made the change, fewer may be enough.
  const { votes } = state;
  const decisive = votes.findLast((one) => hasQuorum(present, votes, one.decision));
  return decisive && { kind: decisive.decision, by: decisive.answer, votes };
}

/** How the question ends by the answers that have come so far, if it does. */
export async function answerUntilNow(state: RunState): Promise<Answered | undefined> {
  while (state.unread.length > 0) {
    const answered = await readAnswer(state);
    if (answered) return answered;
  }
  return undefined;
}

/** Shows what has become known, and takes back the votes of those who turn out to have made the change; all others stand. */
async function amend(state: RunState, question: Question): Promise<void> {
  const isBarred = ({ person }: Approval) => question.barred?.includes(person) === true;
  state.question = question;
  state.approvals = state.approvals.filter((one) => !isBarred(one));
  state.votes = state.votes.filter((one) => !isBarred(one));
  const approvals = state.votes.map((one) => one.person);
  const key = `${question.id}-${question.finding?.author ?? 'authors'}`;
  await reads.amendQuestion.executeWithOptions({ summary: `what is known of ${question.id}` }, [
    { episodeId: state.episodeId, key, question, approvals },
  ]);
}

/** Makes an open question heard again; who is called in may answer it like everybody who may approve. */
async function remind(
  state: RunState,
  question: Question | undefined,
  call: Call | undefined,
): Promise<void> {
  if (!call || !question) return;
  const notice = noticeOfCall(question, call, Date.now());
  await reads.notify.executeWithOptions({ summary: `${call.kind} of ${question.id}` }, [
    {
      episodeId: state.episodeId,
      key: notice.id,
      notice,
      quietForMs: QUIET_FOR_MS[call.kind],
      ...(call.kind === 'reminder' ? { reminded: call.number } : {}),
      ...(call.kind === 'escalation' ? { reminded: 0, escalatedTo: call.to } : {}),
    },
  ]);
}

/** Takes the oldest unread answer; undefined when it does not end the question. */
async function readAnswer(state: RunState): Promise<Answered | undefined> {
  const { question, votes } = state;
  const answer = state.unread.shift();
  if (!answer || !question) return undefined;
  const { decision, person, snoozeUntilMs } = answer;
  const isVote = decision === 'approve' || decision === 'accept';
  const others = votes.filter((one) => one.person !== person);
  const counted = isVote ? [...others, { ...voteOf(answer, decision), answer }] : [...votes];
  if (!(await isStored(state, question, answer, counted))) {
    forget(state, answer);
    return undefined;
  }
  state.votes = counted;
  if (decision === 'reject') return { kind: 'reject', by: answer };
  if (decision === 'snooze') {
    return { kind: 'snooze', by: answer, untilMs: snoozeUntilMs ?? Date.now() };
  }
  if (hasQuorum(question, counted, decision)) return { kind: decision, by: answer, votes: counted };
  // It seemed to be the last one that was needed, and a vote before it has turned out not to count: others may answer again.
  if (state.final === answer) state.final = undefined;
  return undefined;
}

/** Whether it came through a door, by somebody who has not turned out meanwhile to have made the change. */
async function isStored(
  state: RunState,
  question: Question,
  answer: DecideInput,
  counted: readonly Approval[],
): Promise<boolean> {
  const { decisionId, decision, person, digest, roles, snoozeUntilMs } = answer;
  const isStop = decision === 'reject' || decision === 'snooze';
  if (!isStop && !isAlone(answer) && question.barred?.includes(person)) return false;
  const { valid } = await reads.confirmDecision.executeWithOptions(
    { summary: `${decision} by ${person}` },
    [
      {
        ...{ episodeId: state.episodeId, key: decisionId, decisionId, questionId: question.id },
        ...{ decision, person, digest, roles },
        approvals: counted.map((one) => one.person),
        ...(snoozeUntilMs !== undefined && { snoozeUntilMs }),
      },
    ],
  );
  return valid;
}

/** An answer that no door stored never happened: the question is open as before. */
function forget(state: RunState, answer: DecideInput): void {
  state.approvals = state.approvals.filter(
    (one) => one.person !== answer.person || one.decision !== answer.decision,
  );
  if (state.final === answer) state.final = undefined;
}

/** Closes the question in the read model; from here on answers to it are refused. */
export async function closeQuestion(
  state: RunState,
  status: Exclude<QuestionStatus, 'open'>,
): Promise<void> {
  const { question } = state;
  if (!question) return;
  state.question = undefined;
  state.approvals = [];
  await reads.closeQuestion.executeWithOptions({ summary: `${question.id} ${status}` }, [
    {
      episodeId: state.episodeId,
      key: question.id,
      questionId: question.id,
      status,
      at: new Date().toISOString(),
    },
  ]);
}

/** The question as Markdown, for the Temporal UI. */
function describeQuestion(question: Question): string {
  const plans = question.plans.map((plan) => {
    const answer = plan.fix === 'revert' ? 'approve' : 'accept';
    return `- **${answer}**: ${plan.steps.map(describeStep).join(', then ')}`;
  });
  return [
    `**Waiting** for ${question.quorum} ${question.quorum === 1 ? 'person' : 'people'} until ${question.expiresAt}`,
    question.summary,
    ...(question.because === undefined ? [] : [`Asked because: ${question.because}`]),
    ...plans,
    `\`realign approve ${question.id} --digest ${question.digest}\``,
  ].join('\n\n');
}

/** What the read model calls a question that ended so. */
export function statusOf(answered: Answered): Exclude<QuestionStatus, 'open'> {
  switch (answered.kind) {
    case 'moved':
      return 'withdrawn';
    case 'expired':
      return 'expired';
    case 'approve':
      return 'approved';
    case 'accept':
      return 'accepted';
    case 'reject':
      return 'rejected';
    case 'snooze':
      return 'snoozed';
  }
}
