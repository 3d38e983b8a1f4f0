import type { Decision, Question } from './record.ts';

/** Somebody's approval (or acceptance) of the open question. */
export type Approval = { readonly person: string; readonly decision: 'approve' | 'accept' };

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
  if (!answer.roles.includes('approver') && !answer.roles.includes('admin')) {
    return { code: 'NOT_AN_APPROVER', message: `${answer.person} has not the role approver` };
  }
  if (answer.decision === 'snooze') {
    return answer.snoozeUntilMs === undefined
      ? { code: 'INVALID_INPUT', message: 'a snooze needs a time until which it lasts' }
      : undefined;
  }
  if (answer.decision === 'reject') return undefined;
  const freeze = question.frozen?.find((one) => one.fromMs <= nowMs && nowMs < one.untilMs);
  if (freeze) {
    const until = new Date(freeze.untilMs).toISOString();
    return {
      code: 'FROZEN',
      message: `rule ${question.rule} lets nothing be fixed until ${until}`,
    };
  }
  if (!mayApprove(question, answer)) {
    return {
      code: 'NOT_AN_APPROVER',
      message: `rule ${question.rule} lets only ${question.approvers.join(', ')} approve`,
    };
  }
  if (question.barred?.includes(answer.person)) {
    return { code: 'SELF_APPROVAL', message: `${answer.person} made this change` };
  }
  if (!question.plans.some((plan) => plan.fix === fixOf(answer.decision))) {
    return {
      code: 'INVALID_INPUT',
      message: `this drift cannot be answered with ${answer.decision}`,
    };
  }
  if (approvals.some((one) => one.person === answer.person && one.decision === answer.decision)) {
    return {
      code: 'ALREADY_DECIDED',
      message: `${answer.person} has already answered ${answer.decision}`,
    };
  }
  return undefined;
}

/** `approve` carries out the fix that the question offers to approve (revert), `accept` keeps what is live. */
export function fixOf(decision: Decision): 'revert' | 'accept' {
  return decision === 'accept' ? 'accept' : 'revert';
}

/** True once enough different people gave the same answer. */
export function hasQuorum(
  question: Question,
  approvals: readonly Approval[],
  decision: Decision,
): boolean {
  const people = new Set(
    approvals.filter((one) => one.decision === decision).map((one) => one.person),
  );
  return people.size >= question.quorum;
}

function mayApprove(question: Question, answer: Answer): boolean {
  if (question.approvers.length === 0) return true;
  return question.approvers.some(
    (one) =>
      one === answer.person || (one.startsWith('role:') && answer.roles.includes(one.slice(5))),
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
