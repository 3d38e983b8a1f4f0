import type { DecisionRow, Question } from '../drift/record.ts';
import { digest as digestOf } from '../lib/digest.ts';
import { parseDurationMs } from '../lib/duration.ts';
import { AppError } from '../lib/errors.ts';
import { MAX_SNOOZE_MS } from './schemas.ts';
import type { ApiDeps, DecisionAnswer, Person } from './types.ts';

export type Answer = {
  readonly decision: DecisionRow['decision'];
  readonly digest: string;
  readonly reason: string;
  readonly snooze_for?: string | undefined;
  readonly until?: string | undefined;
};

/** Long enough that no two decisions ever meet, short enough to read aloud from the audit. */
const ID_HEX_DIGITS = 32;

/**
 * One person's answer to a question: the row first, then the workflow, then how it went. Repeating a taken answer answers
 * the same and does nothing. Throws the workflow's refusal; if it cannot be reached the row stays pending and the
 * same answer can be sent again.
 */
export async function takeDecision(
  deps: Pick<ApiDeps, 'store' | 'decisions' | 'metrics' | 'clock'>,
  question: Question,
  answer: Answer,
  { person, door }: { readonly person: Person; readonly door: DecisionRow['door'] },
): Promise<{ readonly decisionId: string; readonly status: string }> {
  const { store, metrics, clock = () => new Date() } = deps;
  const earlier = (await store.decisions.listFor(question.id)).filter(
    (row) =>
      row.person === person.name &&
      row.decision === answer.decision &&
      row.digest === answer.digest,
  );
  const taken = earlier.find((row) => row.result === 'taken');
  if (taken) return { decisionId: taken.decisionId, status: question.status };

  const row = toRow(question, answer, person, door, clock());
  const refusals = earlier.filter((one) => one.result === 'refused').length;
  const decisionId = decisionIdOf(row, refusals);
  const stored: DecisionRow = { ...row, decisionId };
  await store.decisions.insert(stored);
  const reply = refuseEarly(question, stored) ?? (await deps.decisions.decide(question, stored));
  if (reply.ok) {
    await store.decisions.settle(decisionId, 'taken');
    metrics.decisionTaken(row.decision, door, 'taken');
    return { decisionId, status: reply.status };
  }
  await store.decisions.settle(decisionId, 'refused', `${reply.code}: ${reply.message}`);
  metrics.decisionTaken(row.decision, door, 'refused');
  throw new AppError(reply.code, reply.message);
}

/**
 * What the read model knows for certain: a closed question never opens again, and its digest never changes. The message
 * does not tell the digest: it is to be read together with what it stands for.
 */
function refuseEarly(question: Question, row: DecisionRow): DecisionAnswer | undefined {
  if (row.digest !== question.digest) {
    const message = `question ${question.id} says something else than what was decided on`;
    return { ok: false, code: 'DIGEST_STALE', message };
  }
  if (question.status !== 'open') {
    const message = `question ${question.id} is closed: ${question.status}`;
    return { ok: false, code: 'QUESTION_CLOSED', message };
  }
  return undefined;
}

/** Equal for repeats of one answer; a refused answer that is sent again is a new row, because rows are never rewritten. */
function decisionIdOf(row: Omit<DecisionRow, 'decisionId'>, refusals: number): string {
  const { questionId, person, decision, digest } = row;
  const hash = digestOf({ questionId, person, decision, digest, refusals });
  return `decision_${hash.slice(0, ID_HEX_DIGITS)}`;
}

function toRow(
  question: Question,
  answer: Answer,
  person: Person,
  door: DecisionRow['door'],
  now: Date,
): Omit<DecisionRow, 'decisionId'> {
  const snoozeUntil = snoozeUntilOf(answer, now);
  return {
    questionId: question.id,
    decision: answer.decision,
    person: person.name,
    roles: person.roles,
    door,
    digest: answer.digest,
    reason: answer.reason,
    ...(snoozeUntil !== undefined && { snoozeUntil }),
    at: now.toISOString(),
    result: 'pending',
  };
}

function snoozeUntilOf(answer: Answer, now: Date): string | undefined {
  if (answer.snooze_for !== undefined) {
    const durationMs = parseDurationMs(answer.snooze_for) ?? 0;
    return new Date(now.getTime() + durationMs).toISOString();
  }
  if (answer.until === undefined) return undefined;
  const aheadMs = Date.parse(answer.until) - now.getTime();
  if (aheadMs <= 0) {
    throw new AppError('INVALID_INPUT', 'body.until: expected a time in the future');
  }
  if (aheadMs > MAX_SNOOZE_MS) {
    throw new AppError('INVALID_INPUT', 'body.until: expected a time within 90 days');
  }
  return answer.until;
}
