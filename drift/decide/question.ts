import { isGroup } from './approver-group.ts';
import type { Decision, Question } from './record.ts';

/** Somebody's approval (or acceptance) of the open question. */
export type Approval = {
  readonly person: string;
  readonly decision: 'approve' | 'accept';
  /** In an emergency: it needs nobody else's. */
  readonly isAlone?: true;
};

/**
 * Stands among the roles of an answer of somebody who approves alone, in an emergency. The api adds it, so that it is stored with the
 * answer, and the workflow counts only what is stored.
 */
export const BREAK_GLASS = 'break-glass';
/** Of whoever breaks the glass, in characters. */
export const MIN_EMERGENCY_REASON = 20;

/** Whether an answer is meant to need nobody else's. */
export function isAlone({ decision, roles }: Pick<Answer, 'decision' | 'roles'>): boolean {
  return decision === 'approve' && roles.includes(BREAK_GLASS);
}

export type Refusal = {
  readonly code:
    | 'QUESTION_CLOSED'
    | 'DIGEST_STALE'
    | 'NOT_AN_APPROVER'
    | 'SELF_APPROVAL'
    | 'ALREADY_DECIDED'
    | 'FROZEN'
    | 'INVALID_INPUT';
  readonly message: string;
};

export type Asker = {
  /** The open question, if any. */
  readonly question: Question | undefined;
  readonly approvals: readonly Approval[];
  /** The decision that ended the question and is being carried out. */
  readonly final: { readonly decision: Decision; readonly person: string } | undefined;
};

export type Answer = {
  readonly question: string;
  readonly digest: string;
  readonly decision: Decision;
  readonly person: string;
  /** With the groups of the question's approvers that the person belongs to. */
  readonly roles: readonly string[];
  readonly snoozeUntilMs?: number;
};

/**
 * Why an answer cannot be taken now, or undefined when it can. Approving and accepting need an approver that the policy
 * allows and who did not make the change, outside freezes; rejecting and snoozing need only the role, so that a stop is always at hand.
 */
export function refuse(asker: Asker, answer: Answer, nowMs: number): Refusal | undefined {
  const { question, approvals, final } = asker;
  if (final) {
    return {
      code: 'ALREADY_DECIDED',
      message: `already ${past(final.decision)} by ${final.person}`,
    };
  }
  if (!question) return { code: 'QUESTION_CLOSED', message: 'nothing waits for a decision' };
  if (answer.question !== question.id || answer.digest !== question.digest) {
    return {
      code: 'DIGEST_STALE',
      message: `the question is now ${question.id} with digest ${question.digest.slice(0, 8)}`,
    };
  }
  if (nowMs >= Date.parse(question.expiresAt)) {
    return { code: 'QUESTION_CLOSED', message: `question ${question.id} has expired` };
  }
  if (!answer.roles.includes('approver') && !answer.roles.includes('admin')) {
    return { code: 'NOT_AN_APPROVER', message: `${answer.person} has not the role approver` };
  }
  if (answer.decision === 'snooze') {
    return answer.snoozeUntilMs === undefined
      ? { code: 'INVALID_INPUT', message: 'a snooze needs a time until which it lasts' }
      : undefined;
  }
  if (answer.decision === 'reject') return undefined;
  if (answer.roles.includes(BREAK_GLASS)) return refuseAlone(question, answer);
  const freeze = question.frozen?.find((one) => one.fromMs <= nowMs && nowMs < one.untilMs);
  if (freeze) {
    const until = new Date(freeze.untilMs).toISOString();
    return {
      code: 'FROZEN',
      message: `a freeze lets nothing be fixed until ${until}`,
    };
  }
  if (question.approvers.length > 0 && !isNamed(question.approvers, answer)) {
    return {
      code: 'NOT_AN_APPROVER',
      message: `rule ${question.rule} lets only ${question.approvers.join(', ')} approve`,
    };
  }
  if (question.barred?.includes(answer.person)) {
    return { code: 'SELF_APPROVAL', message: `${answer.person} made this change` };
  }
  if (!hasPlanFor(question, answer)) return noPlanFor(answer);
  if (approvals.some((one) => one.person === answer.person && one.decision === answer.decision)) {
    return {
      code: 'ALREADY_DECIDED',
      message: `${answer.person} has already answered ${answer.decision}`,
    };
  }
  return undefined;
}

/** In an emergency neither the number of people, nor who made the change, nor a freeze holds back whom the rule names for it. */
function refuseAlone(question: Question, answer: Answer): Refusal | undefined {
  const { rule, breakGlass = [] } = question;
  if (!isAlone(answer)) {
    return { code: 'INVALID_INPUT', message: 'alone one can only approve: nothing is accepted so' };
  }
  if (!isNamed(breakGlass, answer)) {
    const who = breakGlass.length === 0 ? 'nobody' : `only ${breakGlass.join(', ')}`;
    return { code: 'NOT_AN_APPROVER', message: `rule ${rule} lets ${who} approve alone` };
  }
  return hasPlanFor(question, answer) ? undefined : noPlanFor(answer);
}

function hasPlanFor({ plans }: Question, { decision }: Answer): boolean {
  return plans.some((plan) => plan.fix === fixOf(decision));
}

function noPlanFor({ decision }: Answer): Refusal {
  return { code: 'INVALID_INPUT', message: `this drift cannot be answered with ${decision}` };
}

/** `approve` carries out the fix that the question offers to approve (revert), `accept` keeps what is live. */
export function fixOf(decision: Decision): 'revert' | 'accept' {
  return decision === 'accept' ? 'accept' : 'revert';
}

/** True once enough different people gave the same answer, none of whom made the change, or one did who may do so alone. */
export function hasQuorum(
  question: Question,
  approvals: readonly Approval[],
  decision: Decision,
): boolean {
  if (approvals.some((one) => one.decision === decision && one.isAlone)) return true;
  const people = new Set(
    approvals.filter((one) => one.decision === decision).map((one) => one.person),
  );
  for (const person of question.barred ?? []) people.delete(person);
  return people.size >= question.quorum;
}

function isNamed(names: readonly string[], answer: Answer): boolean {
  return names.some(
    (one) =>
      one === answer.person ||
      (one.startsWith('role:') && answer.roles.includes(one.slice(5))) ||
      (isGroup(one) && answer.roles.includes(one)),
  );
}

const PAST: Record<Decision, string> = {
  approve: 'approved',
  reject: 'rejected',
  accept: 'accepted',
  snooze: 'snoozed',
};

/** `approve` → `approved`. */
export function past(decision: Decision): string {
  return PAST[decision];
}
