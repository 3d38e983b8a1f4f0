import { createHash, randomUUID } from 'node:crypto';
import { isGroup } from '../drift/decide/approver-group.ts';
import { past } from '../drift/decide/question.ts';
import type { Decision, Question } from '../drift/decide/record.ts';
import { MAX_GROUP } from '../drift/message/digest-view.ts';
import type { MessageView } from '../drift/message/message-view.ts';
import type { Person } from '../lib/config.ts';
import { AppError, ERRORS, fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { decodeValue, type Snooze } from './action-value.ts';
import { type Identified, type IdentityDeps, identify, type SlackActor } from './identity.ts';
import { renderNotStored, renderRefusal } from './refusals.ts';
import type { Message } from './render.ts';

/** What people answer in Slack, in the words of the api's decision path. */
export type SlackAnswer = {
  readonly decision: Decision;
  readonly digest: string;
  readonly reason: string;
  readonly snooze_for?: string;
  readonly break_glass?: true;
};

/** Who answers, with what Slack says of them. */
export type Answerer = {
  readonly person: Person;
  readonly requestId: string;
  readonly slack: { readonly user: string; readonly team?: string; readonly name?: string };
};

/** A question, and what it said when it was read. */
export type Asked = {
  readonly question: string;
  readonly digest: string;
  readonly snoozeFor?: Snooze;
};

/** The api, as far as Slack needs it. Whatever it throws is an AppError. */
export type Desk = {
  find(questionId: string): Promise<Question | undefined>;
  /** What people are shown of it. */
  viewOf(episodeId: string): Promise<MessageView | undefined>;
  decide(question: Question, answer: SlackAnswer, by: Answerer): Promise<void>;
  /** Keeps on record that somebody was refused before the question was looked at. */
  refuse(question: Question, answer: SlackAnswer, by: Answerer, error: AppError): Promise<void>;
  /** The questions that one click on a digest approves, if the group is still as it was shown. */
  groupOf(digestId: string, groupDigest: string): Promise<readonly Asked[] | undefined>;
};

type DoorDeps = {
  readonly desk: Desk;
  readonly identity: IdentityDeps;
  /** Environments whose fixes are approved elsewhere. */
  readonly approveOnWeb: readonly string[];
  /** Throws TOO_MANY_REQUESTS. */
  readonly limit: (user: string) => void;
  readonly log: Log;
};

/** An answer of somebody to a question, by whatever element of Slack. */
type Given = {
  readonly actor: SlackActor;
  /** Of a button or menu. */
  readonly value: string;
  /** Of the click or form, by which a repeated delivery is known. */
  readonly trigger?: string;
  readonly decision: Decision;
  readonly reason?: string;
  /** Approves alone, in an emergency. */
  readonly isAlone?: true;
};

/** What became of it. `said` is for the person alone; undefined where the message in the channel says it to everybody. */
export type Taken = { readonly ok: boolean; readonly said?: Message };

/** How answers of Slack reach the one decision path that all doors share. Never throws. */
export type Door = {
  answer(given: Given): Promise<Taken>;
  /** Approves each question of a group by itself; some may be refused. */
  approveGroup(given: Pick<Given, 'actor' | 'value'>): Promise<Taken>;
  /** What to tell somebody about an error. */
  explain(error: unknown, command?: string): Message;
};

export function createDoor(deps: DoorDeps): Door {
  const explain = createExplain(deps.log);
  return {
    async answer(given) {
      try {
        deps.limit(given.actor.user);
        await decide(deps, given, decodeValue(given.value));
        return { ok: true };
      } catch (error) {
        return { ok: false, said: explain(error, commandOf(given)) };
      }
    },
    async approveGroup(given) {
      try {
        return await approveEach(deps, given, explain);
      } catch (error) {
        return { ok: false, said: explain(error) };
      }
    },
    explain,
  };
}

async function decide(
  deps: DoorDeps,
  { actor, trigger, decision, reason = '', isAlone }: Omit<Given, 'value'>,
  { question: id, digest, snoozeFor }: Asked,
): Promise<void> {
  const { desk, log } = deps;
  const question = await desk.find(id);
  if (!question) throw new AppError('QUESTION_CLOSED', 'this question is not known any more');
  const snooze = decision === 'snooze' && { snooze_for: snoozeFor ?? DEFAULT_SNOOZE };
  const alone = isAlone && ({ break_glass: true } as const);
  const answer = { decision, digest, reason, ...(snooze || {}), ...alone };
  const { user, team } = actor;
  const slack = { user, ...(team !== undefined && { team }) };
  const requestId = trigger === undefined ? randomUUID() : requestIdOf(trigger);
  const person = await admit(deps, actor, question, decision).catch(async (error: unknown) => {
    const refusal = fromUnknown(error);
    const nobody = { name: `slack:${user}`, roles: [], tokenSha256: '' };
    // That Slack is away is no refusal.
    if (refusal.status < 500) {
      await desk.refuse(question, answer, { person: nobody, requestId, slack }, refusal);
    }
    throw error;
  });
  const { slackName: name } = person;
  const by = { person, requestId, slack: { ...slack, ...(name !== undefined && { name }) } };
  await desk.decide(question, answer, by);
  const fields = { requestId, question: id, decision, person: person.name, slackUser: user };
  log.info(fields, 'answered in Slack');
}

/** Triggers open forms for three seconds: what is stored is only what tells them apart. */
function requestIdOf(trigger: string): string {
  return createHash('sha256').update(trigger).digest('hex').slice(0, REQUEST_ID_CHARACTERS);
}

/** Who answers; refuses whoever may not answer at all, and what is answered elsewhere. */
async function admit(
  { identity, approveOnWeb }: DoorDeps,
  actor: SlackActor,
  { id, environment }: Question,
  decision: Decision,
): Promise<Identified> {
  const isStop = decision === 'reject' || decision === 'snooze';
  const person = await identify(identity, actor, { unsure: isStop });
  if (isStop || !approveOnWeb.includes(environment)) return person;
  throw new AppError(
    'FORBIDDEN',
    `fixes of ${environment} are not approved in Slack; by the command line: realign ${decision} ${id}`,
  );
}

const DEFAULT_SNOOZE = '4h';
const REQUEST_ID_CHARACTERS = 32;

async function approveEach(
  deps: DoorDeps,
  { actor, value }: Pick<Given, 'actor' | 'value'>,
  explain: Door['explain'],
): Promise<Taken> {
  deps.limit(actor.user);
  const { question: digestId, digest } = decodeValue(value);
  const group = await deps.desk.groupOf(digestId, digest);
  if (!group) {
    throw new AppError('DIGEST_STALE', 'the group is not what the message showed any more');
  }
  const failures: { readonly id: string; readonly error: unknown }[] = [];
  for (const asked of group.slice(0, MAX_GROUP)) {
    try {
      await decide(deps, { actor, decision: 'approve' }, asked);
    } catch (error) {
      failures.push({ id: asked.question, error });
    }
  }
  const [first] = failures;
  if (!first) return { ok: true };
  if (failures.length === group.length) return { ok: false, said: explain(first.error) };
  const { code, message } = fromUnknown(first.error);
  const words = `${group.length - failures.length} of ${group.length} are approved; ${first.id}: ${message}`;
  return { ok: false, said: renderRefusal(code, words) };
}

/** What is not certain, and codes that say what can be done meanwhile, are told; other faults get an id that the log has, too. */
function createExplain(log: Log): Door['explain'] {
  return (error, command) => {
    const { code, status, message } = fromUnknown(error);
    if (status < 500) return renderRefusal(code, message);
    const requestId = randomUUID().slice(0, 8);
    log.error({ requestId, code, error: message }, 'an answer given in Slack was not recorded');
    if (code === 'APPROVERS_UNKNOWN') return renderRefusal(code, ERRORS[code].repair);
    return renderNotStored({
      requestId,
      // The row is there, and the workflow may have heard of it.
      ...(code === 'TEMPORAL_UNAVAILABLE' && { isUncertain: true }),
      ...(command !== undefined && { command }),
    });
  };
}

/** The same answer by the command line; absent where it is not known what was asked. */
function commandOf({ value, decision }: Given): string | undefined {
  try {
    return `realign ${decision} ${decodeValue(value).question}`;
  } catch {
    return undefined;
  }
}

/** `Question d1f2-1: approved.` */
export function sayTaken(question: string, decision: Decision): string {
  return `Question ${question}: ${past(decision)}.`;
}

/** Whether somebody may be among those who decide about a question; groups are looked up only when somebody decides. */
export function mayDecide(question: Question, { name, roles }: Person): boolean {
  if (question.barred?.includes(name) || question.approvals.includes(name)) return false;
  const isApprover = roles.includes('approver') || roles.includes('admin');
  if (question.approvers.length === 0) return isApprover;
  return question.approvers.some((one) => {
    if (isGroup(one)) return true;
    const role = roles.find((had) => one === `role:${had}`);
    return isApprover && (one === name || role !== undefined);
  });
}
