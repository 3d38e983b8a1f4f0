import type { Notice } from './notice.ts';
import type { PolicyRule } from './policy-rule.ts';
import type { Question } from './record.ts';

/** When an open question makes itself heard again. Times in milliseconds since the epoch. */
export type Call =
  | { readonly kind: 'reminder'; readonly atMs: number; readonly number: number }
  | { readonly kind: 'escalation'; readonly atMs: number; readonly to: readonly string[] };

/** Reminders and the escalation of a question, in their order. */
export function callsOf(
  question: Pick<Question, 'askedAt' | 'expiresAt'>,
  { remindersAt, escalation }: Pick<PolicyRule, 'remindersAt' | 'escalation'>,
): readonly Call[] {
  const askedMs = Date.parse(question.askedAt);
  const windowMs = Date.parse(question.expiresAt) - askedMs;
  const reminders = remindersAt.map((part, index): Call => {
    return { kind: 'reminder', atMs: askedMs + part * windowMs, number: index + 1 };
  });
  const calls: readonly Call[] = escalation
    ? [
        ...reminders,
        { kind: 'escalation', atMs: askedMs + escalation.at * windowMs, to: escalation.to },
      ]
    : reminders;
  return calls.toSorted((a, b) => a.atMs - b.atMs);
}

/** What a call says, and to whom. */
export function noticeOfCall(question: Question, call: Call, nowMs: number): Notice {
  const { id, environment, episodeId, summary, expiresAt, approvers } = question;
  const name = call.kind === 'reminder' ? `reminder-${call.number}` : 'escalation';
  const calledIn = call.kind === 'escalation' ? `${call.to.join(', ')} called in: ` : '';
  return {
    id: `${id}-${name}`,
    subject: `question:${id}`,
    kind: call.kind,
    environment,
    episodeId,
    questionId: id,
    addressees: call.kind === 'escalation' ? call.to : approvers,
    message: `${calledIn}question ${id} waits until ${expiresAt}: ${summary}`,
    at: new Date(nowMs).toISOString(),
  };
}
