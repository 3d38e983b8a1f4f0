import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Person } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { type FakeSlack, startFakeSlack } from '../testing/fake-slack.ts';
import { type ApproverGroups, createApproverGroups } from './approver-groups.ts';
import { createSlackClient } from './client.ts';
import { createSlackDirectory, type SlackDirectory } from './directory.ts';
import { identify } from './identity.ts';

const TEAM = 'T0REALIGN';
const MINUTE_MS = 60_000;
let slack: FakeSlack;
let directory: SlackDirectory;
let groups: ApproverGroups;
let nowMs: number;

const people: readonly Person[] = [
  entry({ name: 'ann', slackId: 'U1' }),
  entry({ name: 'ben', email: 'Ben@example.com' }),
  entry({ name: 'cleo', slackId: 'U3', email: 'cleo@example.com' }),
];

function entry(about: Pick<Person, 'name'> & Partial<Person>): Person {
  return { roles: ['approver'], tokenSha256: '', ...about };
}

beforeEach(async () => {
  slack = await startFakeSlack();
  nowMs = 0;
  const log = createLog('silent');
  const client = createSlackClient({ ...slack, log });
  directory = createSlackDirectory(client, { now: () => nowMs });
  groups = createApproverGroups(directory);
  slack.addUser({ id: 'U1', name: 'Ann', email: 'ann@example.com' });
  slack.addUser({ id: 'U2', name: 'Ben', email: 'ben@example.com' });
  slack.addUser({ id: 'U4', name: 'Other Cleo', email: 'cleo@example.com' });
  slack.addUser({ id: 'U5', name: 'Dora', email: 'dora@example.com' });
  slack.addGroup('S10', 'prod', ['U1', 'U2']);
});

afterEach(() => slack.close());

const who = (user: string, team: string | undefined = TEAM, unsure = false) =>
  identify({ directory, people }, { user, team }, { unsure });

test('a person is the same one by Slack id and by e-mail address', async () => {
  expect(await who('U1')).toMatchObject({ name: 'ann' });
  expect(await who('U2')).toMatchObject({ name: 'ben', slackId: 'U2' });
});

test('an entry with another Slack id is another person, whatever the address says', async () => {
  expect(await who('U4')).toMatchObject({ name: 'cleo@example.com', roles: [] });
});

test('whoever is in no entry has no role, unless members have one', async () => {
  expect(await who('U5')).toMatchObject({ name: 'dora@example.com', roles: [] });
  const deps = { directory, people, memberRole: 'approver' as const };
  expect(await identify(deps, { user: 'U5', team: TEAM })).toMatchObject({ roles: ['approver'] });
});

test.each([
  ['a bot', { is_bot: true }],
  ['a guest', { is_restricted: true }],
  ['a guest of one channel', { is_ultra_restricted: true }],
  ['somebody who left', { deleted: true }],
])('%s is nobody, entry or not', async (_what, more) => {
  slack.addUser({ id: 'U1', name: 'Ann', ...more });
  await expect(who('U1')).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

test('other workspaces are refused, and so is who says of no workspace', async () => {
  await expect(who('U1', 'T0OTHER')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await expect(
    identify({ directory, people }, { user: 'U1', team: undefined }),
  ).rejects.toMatchObject({
    code: 'FORBIDDEN',
  });
});

test('a member of another workspace in a shared channel is nobody, whatever the click says', async () => {
  slack.addUser({ id: 'U1', name: 'Ann', team: 'T0OTHER' });
  await expect(who('U1')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  const enterprise_user = { enterprise_id: 'E0ORG', teams: ['T0OTHER', TEAM] };
  slack.addUser({
    id: 'U2',
    name: 'Ben',
    email: 'ben@example.com',
    team: 'T0OTHER',
    enterprise_user,
  });
  expect(await who('U2')).toMatchObject({ name: 'ben' });
});

test('while Slack is away people are known for a quarter of an hour; after that a stop is left to entries', async () => {
  await who('U1');
  slack.fail('*', { kind: 'status', status: 503 }, Number.POSITIVE_INFINITY);
  nowMs = 14 * MINUTE_MS;
  expect(await who('U1')).toMatchObject({ name: 'ann' });
  nowMs = 16 * MINUTE_MS;
  await expect(who('U1')).rejects.toMatchObject({ code: 'SLACK_UNAVAILABLE' });
  expect(await who('U1', TEAM, true)).toMatchObject({ name: 'ann' });
  await expect(who('U5', TEAM, true)).rejects.toMatchObject({ code: 'SLACK_UNAVAILABLE' });
});

test('groups are the same for people who come by another door', async () => {
  const approvers = ['role:admin', '@prod', 'slack:S10'];
  expect(await groups.of(entry({ name: 'ann', slackId: 'U1' }), approvers)).toEqual([
    '@prod',
    'slack:S10',
  ]);
  expect(await groups.of(entry({ name: 'ben', email: 'ben@example.com' }), approvers)).toHaveLength(
    2,
  );
  expect(await groups.of(entry({ name: 'dora', slackId: 'U5' }), approvers)).toEqual([]);
  expect(await groups.of(entry({ name: 'nobody' }), approvers)).toEqual([]);
  expect(await groups.of(entry({ name: 'x', email: 'x@example.com' }), approvers)).toEqual([]);
});

test('a group that Slack does not tell of makes nobody an approver', async () => {
  const ann = entry({ name: 'ann', slackId: 'U1' });
  await expect(groups.of(ann, ['@gone'])).rejects.toMatchObject({ code: 'APPROVERS_UNKNOWN' });
  expect(await groups.of(ann, ['@gone', '@prod'])).toEqual(['@prod']);
  slack.fail('usergroups.users.list', { kind: 'rate-limited', retryAfterS: 30 }, 99);
  nowMs = 14 * MINUTE_MS;
  expect(await groups.of(ann, ['@prod'])).toEqual(['@prod']);
  nowMs = 16 * MINUTE_MS;
  await expect(groups.of(ann, ['@prod'])).rejects.toMatchObject({ code: 'APPROVERS_UNKNOWN' });
});

test('members are asked for once a minute, not once a click', async () => {
  const ann = entry({ name: 'ann', slackId: 'U1' });
  for (let click = 0; click < 5; click += 1) await groups.of(ann, ['@prod']);
  const asked = slack.calls.filter((one) => one.method === 'usergroups.users.list');
  expect(asked).toHaveLength(1);
});
