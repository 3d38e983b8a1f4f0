import { isGroup } from '../drift/decide/approver-group.ts';
import { BREAK_GLASS, isAlone, MIN_EMERGENCY_REASON } from '../drift/decide/question.ts';
import type { DecisionRow, Question } from '../drift/decide/record.ts';
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
  /** Approves alone, in an emergency. */
  readonly break_glass?: boolean | undefined;
  readonly until?: string | undefined;
};

/** Long enough that no two decisions ever meet, short enough to read aloud from the audit. */
const ID_HEX_DIGITS = 32;

/** Somebody who answers, and the way by which the answer came. */
export type Answerer = {
  readonly person: Person;
  readonly door: DecisionRow['door'];
  readonly requestId?: string;
  /** Ids of the user and workspace, and what the person is called there. */
  readonly slack?: { readonly user: string; readonly team?: string; readonly name?: string };
};

type DecideDeps = Pick<ApiDeps, 'store' | 'decisions' | 'metrics' | 'clock' | 'groups'>;

/** Refusals of one answer of one person that are kept; whoever goes on after that is only told. */
const MAX_REFUSALS = 50;

/**
 * One person's answer to a question: the row first, then the workflow, then how it went. Repeating one's last word answers the
 * same and does nothing, and so does an answer that is delivered again; who has said something else in between says it anew.
 * Throws the workflow's refusal; if it cannot be reached the row stays pending and the same answer can be sent again.
 */
export async function takeDecision(
  deps: DecideDeps,
  question: Question,
  answer: Answer,
  answerer: Answerer,
): Promise<{ readonly decisionId: string; readonly status: string }> {
  const { store, clock = () => new Date() } = deps;
  refuseWithoutReason(answer);
  const said = await store.decisions.listFor(question.id, answerer.person.name);
  const taken = said.filter((row) => row.result === 'taken');
  const lastWord = taken.at(-1);
  // An answer that is delivered again is no later word, whatever was said since.
  const delivered = taken.find((row) => isDelivery(row, answerer) && isSame(row, answer));
  const repeated = lastWord && isSame(lastWord, answer) ? lastWord : delivered;
  if (repeated) return { decisionId: repeated.decisionId, status: question.status };
  const earlier = said.filter((row) => isSame(row, answer));
  if (earlier.length >= MAX_REFUSALS) {
    throw new AppError('TOO_MANY_REQUESTS', `${answer.decision} was refused ${MAX_REFUSALS} times`);
  }
  const standing = await standingOf(deps, question, answer, answerer.person);
  const row = toRow(question, answer, { ...answerer, ...standing }, clock(), earlier.length);
  const kept = await keep(store, row, earlier);
  const reply =
    refuseEarly(question, kept, standing.failure) ?? (await deps.decisions.decide(question, kept));
  await settle(deps, kept, reply);
  if (reply.ok) return { decisionId: kept.decisionId, status: reply.status };
  throw new AppError(reply.code, reply.message);
}

/** Keeps on record what a door refused before it knew whether the person may answer; each such refusal once. */
export async function keepRefusal(
  { store, metrics, clock = () => new Date() }: DecideDeps,
  question: Question,
  answer: Answer,
  answerer: Answerer,
  { code, message }: AppError,
): Promise<void> {
  const { roles } = answerer.person;
  const row = toRow(question, answer, { ...answerer, roles }, clock());
  const { questionId, person, decision, digest } = row;
  const hash = digestOf({ questionId, person, decision, digest, code });
  const decisionId = `decision_${hash.slice(0, ID_HEX_DIGITS)}`;
  await store.decisions.insert({
    ...{ ...row, decisionId, result: 'refused' },
    refusal: `${code}: ${message}`,
  });
  metrics.decisionTaken(decision, answerer.door, 'refused');
}

function isDelivery({ door, requestId }: DecisionRow, answerer: Answerer): boolean {
  return requestId !== undefined && requestId === answerer.requestId && door === answerer.door;
}

/** Whether it was said before: the same about the same, alone or with others. */
function isSame(
  row: DecisionRow,
  { decision, digest, break_glass: alone = false }: Answer,
): boolean {
  return row.decision === decision && row.digest === digest && isAlone(row) === alone;
}

/** What one person does alone, everybody shall be able to understand. */
function refuseWithoutReason({ decision, break_glass: alone, reason }: Answer): void {
  if (alone !== true) return;
  if (decision !== 'approve') {
    throw new AppError('INVALID_INPUT', 'break_glass: alone one can only approve');
  }
  if (reason.trim().length >= MIN_EMERGENCY_REASON) return;
  throw new AppError(
    'INVALID_INPUT',
    `reason: to approve alone give one of at least ${MIN_EMERGENCY_REASON} characters`,
  );
}

async function settle(
  { store, metrics }: DecideDeps,
  { decisionId, decision, door }: DecisionRow,
  reply: DecisionAnswer,
): Promise<void> {
  const refusal = reply.ok ? undefined : `${reply.code}: ${reply.message}`;
  const result = reply.ok ? 'taken' : 'refused';
  await store.decisions.settle(decisionId, result, refusal);
  metrics.decisionTaken(decision, door, result);
}

/**
 * Stores an answer, and gives it as it is stored. One that still waits for the workflow's word is sent again as it was: the workflow
 * counts only what the row says, with its time and its roles, unless the person has lost one of them.
 */
async function keep(
  { decisions }: Pick<ApiDeps['store'], 'decisions'>,
  row: Omit<DecisionRow, 'decisionId'>,
  earlier: readonly DecisionRow[],
): Promise<DecisionRow> {
  const waiting = earlier.find(
    (one) => one.result === 'pending' && one.roles.every((role) => row.roles.includes(role)),
  );
  if (waiting) return waiting;
  const decisionId = decisionIdOf(row, earlier.length);
  await decisions.insert({ ...row, decisionId });
  // The same answer may have come twice at once; the first is the one that counts.
  return (await decisions.find(decisionId)) ?? { ...row, decisionId };
}

type Standing = Pick<DecisionRow, 'roles' | 'groups'> & { readonly failure?: AppError };

/**
 * A person's roles, with the groups that the question's rule names and the person belongs to: to be in one makes an approver. With
 * APPROVERS_UNKNOWN where that cannot be told; a stop goes through all the same.
 */
async function standingOf(
  { groups }: Pick<ApiDeps, 'groups'>,
  { approvers, breakGlass = [] }: Question,
  { decision, break_glass: alone }: Answer,
  person: Person,
): Promise<Standing> {
  const isStop = decision === 'reject' || decision === 'snooze';
  const named = alone ? breakGlass : approvers;
  const meant = alone ? [BREAK_GLASS] : [];
  if (!groups || !named.some(isGroup)) return { roles: [...person.roles, ...meant] };
  const { own, members, failure } = await groups.look(person, named);
  const isApprover = own.length > 0 || (failure !== undefined && isStop);
  const held = isApprover ? [...new Set([...person.roles, 'approver', ...own])] : person.roles;
  const roles = [...held, ...meant];
  return { roles, groups: members, ...(failure && !isStop && { failure }) };
}

/**
 * What the read model knows for certain: a closed question never opens again, and its digest never changes. The message
 * does not tell the digest: it is to be read together with what it stands for.
 */
function refuseEarly(
  question: Question,
  row: DecisionRow,
  failure: AppError | undefined,
): DecisionAnswer | undefined {
  if (row.digest !== question.digest) {
    const message = `question ${question.id} says something else than what was decided on`;
    return { ok: false, code: 'DIGEST_STALE', message };
  }
  if (question.status !== 'open') {
    const message = `question ${question.id} is closed: ${question.status}`;
    return { ok: false, code: 'QUESTION_CLOSED', message };
  }
  if (failure) return { ok: false, code: failure.code, message: failure.message };
  if (row.roles.includes('approver') || row.roles.includes('admin')) return undefined;
  const message = `${row.person} has neither the role approver nor admin`;
  return { ok: false, code: 'NOT_AN_APPROVER', message };
}

/** Equal for repeats of one answer; one that was refused, or taken back by another, is a new row: rows are never rewritten. */
function decisionIdOf(row: Omit<DecisionRow, 'decisionId'>, earlier: number): string {
  const { questionId, person, decision, digest } = row;
  const alone = isAlone(row) && { alone: true };
  const hash = digestOf({ questionId, person, decision, digest, refusals: earlier, ...alone });
  return `decision_${hash.slice(0, ID_HEX_DIGITS)}`;
}

function toRow(
  question: Question,
  answer: Answer,
  {
    person,
    door,
    requestId,
    slack,
    roles,
    groups,
  }: Answerer & Pick<DecisionRow, 'roles' | 'groups'>,
  now: Date,
  earlier = 0,
): Omit<DecisionRow, 'decisionId'> {
  const snoozeUntil = snoozeUntilOf(answer, now);
  const { id: questionId, quorum, approvals } = question;
  const { decision, digest, reason } = answer;
  return {
    ...{ questionId, decision, person: person.name, roles, door, digest, reason },
    ...(snoozeUntil !== undefined && { snoozeUntil }),
    ...{ at: now.toISOString(), result: 'pending', quorum, approvals },
    // Temporal hears each word once: one that was said before and taken back is another, and so is one that is said alone.
    updateId: [
      `q${questionId}:${person.name}:${decision}`,
      ...(isAlone({ decision, roles }) ? [BREAK_GLASS] : []),
      ...(earlier === 0 ? [] : [earlier + 1]),
    ].join(':'),
    ...(requestId !== undefined && { requestId }),
    ...(slack && { slackUser: slack.user }),
    ...(slack?.team !== undefined && { slackTeam: slack.team }),
    ...(slack?.name !== undefined && { slackName: slack.name }),
    ...(groups && { groups }),
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
