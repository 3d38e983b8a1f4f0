import { condition } from '@temporalio/workflow';
import { QUIET_FOR_MS } from '../drift/notice.ts';
import { describeStep } from '../drift/plan.ts';
import type { PolicyRule } from '../drift/policy.ts';
import { type Approval, hasQuorum } from '../drift/question.ts';
import type { Question, QuestionStatus } from '../drift/record.ts';
import { type Call, callsOf, noticeOfCall } from '../drift/reminders.ts';
import type { DecideInput } from './messages.ts';
import { enter, type RunState } from './run-state.ts';
import { reads } from './steps.ts';

/** How a question ended. `moved`: the resource changed under it, and what is so now must be looked at first. */
export type Answered =
  | { readonly kind: 'approve' | 'accept' | 'reject'; readonly by: DecideInput }
  | { readonly kind: 'snooze'; readonly by: DecideInput; readonly untilMs: number }
  | { readonly kind: 'expired' }
  | { readonly kind: 'moved' };

/**
 * Puts a question to people and waits for its end: enough answers, one rejection, a snooze, expiry, or until `moved` says that
 * the ground has shifted. Reminds on the way as the rule says. An answer without a stored decision has no effect.
 */
export async function ask(
  state: RunState,
  question: Question,
  rule: PolicyRule,
  moved: () => boolean,
): Promise<Answered> {
  state.approvals = [];
  state.unread = [];
  state.final = undefined;
  state.question = question;
  const key = question.id;
  await reads.openQuestion.executeWithOptions({ summary: `ask ${question.id}` }, [
    { episodeId: state.episodeId, key, question },
  ]);
  enter(state, 'waiting', describeQuestion(question));
  const deadlineMs = Date.parse(question.expiresAt);
  // Apart from those that the validator counts: it cannot know yet whether a door has stored them.
  const confirmed: Approval[] = [];
  const calls = [...callsOf(question, rule)];
  for (;;) {
    const leftMs = Math.min(calls[0]?.atMs ?? deadlineMs, deadlineMs) - Date.now();
    const summary = calls.length > 0 ? 'until the next reminder' : 'expiry of the question';
    const woke =
      leftMs > 0 &&
      (await condition(() => state.unread.length > 0 || moved(), leftMs, { summary }));
    if (state.unread.length > 0) {
      const answered = await readAnswer(state, question, confirmed);
      if (answered) return answered;
    } else if (woke) return { kind: 'moved' };
    else if (Date.now() >= deadlineMs) return { kind: 'expired' };
    else await remind(state, question, calls.shift());
  }
}

/** Makes an open question heard again; who is called in may answer it like everybody who may approve. */
async function remind(state: RunState, question: Question, call: Call | undefined): Promise<void> {
  if (!call) return;
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
async function readAnswer(
  state: RunState,
  question: Question,
  confirmed: Approval[],
): Promise<Answered | undefined> {
  const answer = state.unread.shift();
  if (!answer) return undefined;
  const { decisionId, decision, person, digest, roles, snoozeUntilMs } = answer;
  const others = confirmed.filter((one) => one.person !== person);
  const isVote = decision === 'approve' || decision === 'accept';
  const counted = isVote ? [...others, { person, decision }] : [...confirmed];
  const { valid } = await reads.confirmDecision.executeWithOptions(
    { summary: `${decision} by ${person}` },
    [
      {
        episodeId: state.episodeId,
        key: decisionId,
        decisionId,
        questionId: question.id,
        decision,
        person,
        digest,
        approvals: counted.map((one) => one.person),
        roles,
        ...(snoozeUntilMs !== undefined && { snoozeUntilMs }),
      },
    ],
  );
  if (!valid) {
    forget(state, answer);
    return undefined;
  }
  confirmed.splice(0, confirmed.length, ...counted);
  if (decision === 'reject') return { kind: 'reject', by: answer };
  if (decision === 'snooze') {
    return { kind: 'snooze', by: answer, untilMs: answer.snoozeUntilMs ?? Date.now() };
  }
  if (hasQuorum(question, confirmed, decision)) return { kind: decision, by: answer };
  return undefined;
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
