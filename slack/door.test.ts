import { beforeEach, expect, test } from 'vitest';
import type { Question } from '../drift/decide/record.ts';
import type { Person } from '../lib/config.ts';
import { AppError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { QUESTION } from '../testing/message-views.ts';
import { encodeValue } from './action-value.ts';
import { createDoor, type Desk, type Door, mayDecide, type SlackAnswer } from './door.ts';

const TEAM = 'T0REALIGN';
const ann: Person = { name: 'ann', slackId: 'U1', roles: ['approver'], tokenSha256: '' };
const given = {
  actor: { user: 'U1', team: TEAM },
  value: encodeValue({ question: QUESTION.id, digest: QUESTION.digest }),
};

let answers: (SlackAnswer & { readonly person: string })[];
let refused: string[];
let refusal: AppError | undefined;

beforeEach(() => {
  answers = [];
  refused = [];
  refusal = undefined;
});

function createTestDoor(more: { approveOnWeb?: readonly string[]; limit?: () => void } = {}): Door {
  const desk: Desk = {
    find: async (id) => (id === QUESTION.id ? QUESTION : undefined),
    viewOf: async () => undefined,
    decide: async (_question, answer, { person }) => {
      if (refusal) throw refusal;
      answers.push({ ...answer, person: person.name });
    },
    refuse: async (_question, _answer, { person }, { code }) => {
      refused.push(`${person.name} ${code}`);
    },
    groupOf: async () => [
      { question: QUESTION.id, digest: QUESTION.digest },
      { question: 'gone', digest: 'x' },
    ],
  };
  const user = async (id: string) => ({ id, name: id, isMember: true, teams: [TEAM] });
  const identity = { directory: { team: async () => TEAM, user }, people: [ann] };
  const log = createLog('silent');
  return createDoor({ ...{ desk, identity, approveOnWeb: [], limit: () => {}, log }, ...more });
}

test('hands on what was pressed, with the digest that was on the screen', async () => {
  expect(await createTestDoor().answer({ ...given, decision: 'approve' })).toEqual({ ok: true });
  expect(answers).toEqual([
    { decision: 'approve', digest: QUESTION.digest, reason: '', person: 'ann' },
  ]);
});

test('a snooze lasts as long as was chosen', async () => {
  const value = encodeValue({ question: QUESTION.id, digest: 'd', snoozeFor: '1d' });
  await createTestDoor().answer({ ...given, value, decision: 'snooze' });
  await createTestDoor().answer({ ...given, decision: 'snooze' });
  expect(answers.map((one) => one.snooze_for)).toEqual(['1d', '4h']);
});

test('where fixes are approved on the web Slack only stops', async () => {
  const door = createTestDoor({ approveOnWeb: [QUESTION.environment] });
  for (const decision of ['approve', 'accept', 'reject', 'snooze'] as const) {
    await door.answer({ ...given, decision });
  }
  expect(answers.map((one) => one.decision)).toEqual(['reject', 'snooze']);
  expect(refused).toEqual(['slack:U1 FORBIDDEN', 'slack:U1 FORBIDDEN']);
});

test('whoever may not answer at all is kept on record', async () => {
  const outside = { ...given, actor: { user: 'U9', team: 'T0OTHER' } };
  const { ok } = await createTestDoor().answer({ ...outside, decision: 'approve' });
  expect([ok, answers, refused]).toEqual([false, [], ['slack:U9 FORBIDDEN']]);
});

test('too many answers of one person are not looked at', async () => {
  const limit = () => {
    throw new AppError('TOO_MANY_REQUESTS', 'more than 50 requests in ten seconds');
  };
  const { ok, said } = await createTestDoor({ limit }).answer({ ...given, decision: 'approve' });
  expect([ok, said?.text]).toEqual([false, expect.stringContaining('more than 50')]);
  expect(answers).toEqual([]);
});

test.each([
  ['TEMPORAL_UNAVAILABLE', /not certain.*twice counts once/],
  ['DATABASE_UNAVAILABLE', /nothing was decided/],
  ['INTERNAL', /nothing was decided/],
] as const)('%s never looks like a decision', async (code, words) => {
  refusal = new AppError(code, 'canary at db.internal:5432');
  const { ok, said } = await createTestDoor().answer({ ...given, decision: 'approve' });
  expect(ok).toBe(false);
  expect(said?.text).toMatch(/^⚠ Not recorded/);
  expect(said?.text).toMatch(words);
  expect(JSON.stringify(said)).toContain(`realign approve ${QUESTION.id}`);
  expect(JSON.stringify(said)).not.toContain('canary');
});

test('of a group each is decided by itself, and what failed is said', async () => {
  const { ok, said } = await createTestDoor().approveGroup(given);
  expect(ok).toBe(false);
  expect(said?.text).toContain('1 of 2 are approved; gone:');
  expect(answers).toHaveLength(1);
});

test.each<[string, Partial<Question>, Partial<Person>, boolean]>([
  ['an approver', {}, {}, true],
  ['a viewer', {}, { roles: ['viewer'] }, false],
  ['the author', { barred: ['ann'] }, {}, false],
  ['who approved already', { approvals: ['ann'] }, {}, false],
  ['who is named', { approvers: ['ann'] }, {}, true],
  ['who is not named', { approvers: ['ben'] }, {}, false],
  ['who has the role', { approvers: ['role:admin'] }, { roles: ['admin'] }, true],
  ['who has another role', { approvers: ['role:admin'] }, {}, false],
  ['whoever may be in the group', { approvers: ['@prod'] }, { roles: ['viewer'] }, true],
])('a question waits for %s', (_who, question, person, expected) => {
  const { barred: _, ...open } = QUESTION;
  const asked = { ...open, approvals: [], approvers: [], ...question };
  expect(mayDecide(asked, { ...ann, ...person })).toBe(expected);
});
