import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoConfig, installDemo, newTokens } from '../cli/demo/stage.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { DecisionRow, Question } from '../drift/decide/record.ts';
import { makeDigestView } from '../drift/message/digest-view.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Config, Person } from '../lib/config.ts';
import { digest, sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { encodeValue } from '../slack/action-value.ts';
import { createSlackClient, type SlackClient } from '../slack/client.ts';
import { renderDigest } from '../slack/digest.ts';
import { renderDrift } from '../slack/render.ts';
import { eventually } from '../testing/eventually.ts';
import { type FakeSlack, startFakeSlack } from '../testing/fake-slack.ts';
import { createTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { type Embedded, startEmbedded } from './embedded.ts';
import { type Realign, startRealign } from './realign.ts';
import { createSubjects } from './subjects.ts';

// People answer in Slack, over Socket Mode and over HTTP, about drifts of a real cluster. Two apis share one Temporal and one
// Postgres, as replicas do; the one over HTTP reaches Temporal by a way that can be cut.

const NAMESPACE = 'acorn-bear-prod';
type Environment = 'staging' | 'prod';
const CHANNEL = 'C0DRIFTS';
const REASON = 'wanted for the load test of today';
const EMERGENCY = 'Checkout is down and nobody else is awake.';
const log = createLog('silent');
const controller = new AbortController();
let embedded: Embedded;
let slack: FakeSlack;
let client: SlackClient;
let main: Realign;
let overHttp: Realign;
let proxy: TcpProxy;
let admin: KubernetesClient;

/** `author` writes to the cluster as the admin of the embedded stack does. */
const PEOPLE: readonly Person[] = [
  { ...person('ben'), slackId: 'U0BEN' },
  { ...person('cleo'), email: 'Cleo@example.com' },
  { ...person('author'), slackId: 'U0AUTHOR', kubernetesUser: 'admin' },
];

function person(name: string): Person {
  return { name, roles: ['approver'], tokenSha256: sha256(`token of ${name}`) };
}

beforeAll(async () => {
  slack = await startFakeSlack();
  for (const [id, email] of [
    ['U0BEN', 'ben@example.com'],
    ['U0CLEO', 'cleo@example.com'],
    ['U0AUTHOR', 'author@example.com'],
    ['U0DORA', 'dora@example.com'],
    ['U0EVE', 'eve@example.com'],
  ] as const) {
    slack.addUser({ id, name: id.slice(2).toLowerCase(), email });
  }
  slack.addUser({ id: 'U0GUEST', name: 'guest', is_restricted: true });
  slack.addUser({ id: 'U0OUTSIDE', name: 'outside', team: 'T0OTHER' });
  slack.addGroup('S0PROD', 'prod-approvers', ['U0CLEO', 'U0AUTHOR', 'U0DORA', 'U0GUEST']);
  slack.addGroup('S0OPS', 'ops', ['U0BEN', 'U0CLEO']);
  client = createSlackClient({ ...slack, log });

  embedded = await startEmbedded({ log, api: { host: '127.0.0.1', port: 0 } });
  await installDemo(embedded, log);
  main = await startRealign({
    ...{ config: configFor('socket'), log, roles: ['watcher', 'worker', 'api'] },
    signal: controller.signal,
  });
  await main.ready;
  const [host = '', port = ''] = (embedded.stack.temporal?.address ?? '').split(':');
  proxy = await createTcpProxy({ host, port: Number(port) });
  await proxy.appear();
  overHttp = await startRealign({
    ...{ config: configFor('http'), log, roles: ['api'], signal: controller.signal },
  });
  await overHttp.ready;
  const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin ?? '';
  admin = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
}, 180_000);

afterAll(async () => {
  controller.abort();
  admin?.close();
  await proxy?.appear();
  await Promise.all([overHttp?.stop(), main?.stop()]);
  await embedded?.stop();
  await slack?.close();
});

function configFor(mode: 'http' | 'socket'): Config {
  const demo = demoConfig(embedded, newTokens());
  const { botToken, apiUrl, appToken, signingSecret } = slack;
  const shared = { botToken, apiUrl, approveOnWeb: [], postsPerSecond: 0.8 };
  const [production, ...others] = demo.policies;
  if (!production) throw new Error('the demo has no policy');
  const rule = {
    ...{ ...production, outcome: 'ask' as const, match: { environments: ['prod'] } },
    upgrade: 'never' as const,
    unknownAuthor: 'allow' as const,
  };
  const one = { ...rule, name: 'prod-one', quorum: 1, match: { ...rule.match, names: ['one-*'] } };
  const ops = {
    ...one,
    name: 'prod-ops',
    approvers: ['slack:S0OPS'],
    match: { ...rule.match, names: ['ops-*'] },
  };
  const told = {
    ...{ ...one, name: 'prod-told', receivers: ['drifts'] },
    match: { ...rule.match, names: ['told-*'] },
  };
  const two = { ...rule, name: 'prod', quorum: 2, approvers: ['@prod-approvers'] };
  const alone = {
    ...{ ...two, name: 'prod-alone', breakGlass: ['slack:S0OPS'] },
    match: { ...rule.match, names: ['alone-*'] },
  };
  return {
    ...demo,
    ...(mode === 'http' && {
      api: { ...demo.api, port: 0 },
      temporal: { ...demo.temporal, address: `${proxy.host}:${proxy.port}` },
    }),
    people: PEOPLE,
    notifications: {
      receivers: [{ name: 'drifts', kind: 'slack', channel: CHANNEL }],
      ...{ routes: [], default: [], retryRefusedMs: 900_000 },
    },
    policies: [one, ops, told, alone, two, ...others],
    slack: mode === 'socket' ? { ...shared, mode, appToken } : { ...shared, mode, signingSecret },
  };
}

// First, before anything is remembered of the group.
it('nobody approves while Slack does not say who is in the group; a stop goes through', async () => {
  slack.hands.sendTo('socket');
  slack.fail('usergroups.users.list', { kind: 'status', status: 503 }, Number.POSITIVE_INFINITY);
  const { message, question } = await drifted('ops-unknown');
  await click('U0DORA', message, 'Approve fix');
  await isTold('U0DORA', 'Slack does not say who belongs to the group');
  expect(await main.parts.store.decisions.listFor(question.id)).toMatchObject([
    { result: 'refused', refusal: expect.stringContaining('APPROVERS_UNKNOWN') },
  ]);
  await click('U0DORA', message, 'Snooze 4 hours');
  await settled(question, 'snoozed');
  // Nobody knew whether she belongs to it, and the record says so.
  expect(await taken(question)).toMatchObject([
    { decision: 'snooze', slackUser: 'U0DORA', groups: { 'slack:S0OPS': null } },
  ]);
  slack.heal();
}, 60_000);

describe.each(['socket', 'http'] as const)('over %s', (mode) => {
  beforeAll(async () => {
    const to = mode === 'http' ? new URL('/slack/events', overHttp.url) : mode;
    slack.hands.sendTo(to);
    await eventually(() => slack.openSockets() > 0, { what: 'a connection of Socket Mode' });
  });

  it('two people of the group approve, each once, and never the author', async () => {
    const { message, question, name } = await drifted(`pair-${mode}`);
    for (const [user, said] of [
      ['U0AUTHOR', 'You made this change'],
      ['U0BEN', 'Not for you to approve'],
      ['U0EVE', 'Not for you to approve'],
      ['U0GUEST', 'guests, bots and people who have left'],
      ['U0OUTSIDE', 'only members of the workspace'],
    ] as const) {
      await click(user, message, 'Approve fix');
      await isTold(user, said);
    }
    // By e-mail address in `people`; pressed twice at once, then sent by Slack once more.
    const twice = await Promise.all([
      click('U0CLEO', message, 'Approve fix'),
      click('U0CLEO', message, 'Approve fix'),
    ]);
    await twice[0].again();
    await eventually(async () => (await taken(question)).length === 1, { what: 'one approval' });
    // What the next one is told of who agreed before comes from the stored question.
    await eventually(async () => (await find(question)).approvals.includes('cleo'), {
      what: 'the approval on the question',
    });
    expect((await find(question)).status).toBe('open');
    // In nobody's configuration: the group makes her an approver.
    await click('U0DORA', message, 'Approve fix');
    await settled(question, 'approved');
    const members = { '@prod-approvers': ['U0CLEO', 'U0AUTHOR', 'U0DORA', 'U0GUEST'] };
    const slackTeam = 'T0REALIGN';
    expect(await taken(question)).toMatchObject([
      { ...{ person: 'cleo', door: 'slack', slackUser: 'U0CLEO', slackTeam }, approvals: [] },
      {
        ...{ person: 'dora@example.com', door: 'slack', slackUser: 'U0DORA', slackTeam },
        ...{ slackName: 'dora', quorum: 2, approvals: ['cleo'], groups: members },
      },
    ]);
    const rows = await main.parts.store.decisions.listFor(question.id);
    const refused = rows.filter((one) => one.result === 'refused');
    expect(refused.map((one) => [one.slackUser, one.refusal?.split(':')[0]])).toEqual([
      ['U0AUTHOR', 'SELF_APPROVAL'],
      ['U0BEN', 'NOT_AN_APPROVER'],
      ['U0EVE', 'NOT_AN_APPROVER'],
      ['U0GUEST', 'FORBIDDEN'],
      ['U0OUTSIDE', 'FORBIDDEN'],
    ]);
    await eventually(async () => (await levelOf(name)) === 'low', {
      ...{ what: 'the fix', timeoutMs: 30_000 },
    });
    await click('U0CLEO', message, 'Snooze 1 hour');
    await isTold('U0CLEO', 'This is over');
  }, 60_000);

  it('approve and reject race: one of them holds, the other is told', async () => {
    const { message, question } = await drifted(`one-race-${mode}`);
    await click('U0CLEO', message, 'Reject…');
    await eventually(() => slack.views.at(-1)?.user === 'U0CLEO', { what: 'the modal' });
    const before = slack.ephemerals.length;
    await Promise.all([
      slack.hands.submit('U0CLEO', { reason: REASON }),
      click('U0BEN', message, 'Approve fix'),
    ]);
    const rows = await eventually(
      async () => {
        const found = await main.parts.store.decisions.listFor(question.id);
        return found.length === 2 && found.every((one) => one.result !== 'pending') && found;
      },
      { what: 'both answers' },
    );
    expect(rows.map((one) => one.result).toSorted()).toEqual(['refused', 'taken']);
    await eventually(() => slack.ephemerals.length === before + 1, { what: 'one refusal' });
  }, 60_000);

  it('a click on what the question said before is refused', async () => {
    const { message, question } = await drifted(`one-stale-${mode}`);
    const value = encodeValue({ question: question.id, digest: 'b'.repeat(64) });
    const sent = await slack.hands.press('U0BEN', message, {
      ...{ type: 'button', action_id: 'approve', value },
    });
    expect(sent.acked).toBe(true);
    await isTold('U0BEN', 'It changed meanwhile');
    await slack.hands.press('U0BEN', message, {
      ...{ type: 'button', action_id: 'approve', value: '[2,"x"]' },
    });
    await isTold('U0BEN', 'another release');
    expect(await taken(question)).toEqual([]);
    await click('U0BEN', message, 'Snooze 1 hour');
    await settled(question, 'snoozed');
    const [row] = await taken(question);
    expect(Date.parse(row?.snoozeUntil ?? '') - Date.now()).toBeGreaterThan(3_500_000);
  }, 60_000);

  it('a reason is asked for, checked and kept', async () => {
    const { message, question } = await drifted(`one-reason-${mode}`);
    await click('U0EVE', message, 'Reject…');
    await eventually(() => slack.views.at(-1)?.user === 'U0EVE', { what: 'the modal' });
    const blank = await slack.hands.submit('U0EVE', { reason: ' '.repeat(12) });
    expect(blank.answer).toMatchObject({
      response_action: 'errors',
      errors: { reason: expect.any(String) },
    });
    await slack.hands.submit('U0EVE', { reason: REASON });
    // Not even a stop is for everybody.
    await isTold('U0EVE', 'Not for you to approve');
    await click('U0BEN', message, 'Keep live…');
    await eventually(() => slack.views.at(-1)?.user === 'U0BEN', { what: 'the modal' });
    await slack.hands.submit('U0BEN', { reason: REASON });
    await settled(question, 'accepted');
    expect(await taken(question)).toMatchObject([
      { person: 'ben', decision: 'accept', reason: REASON },
    ]);
  }, 60_000);

  it('a click that Slack delivers again is no later word', async () => {
    const { message, question } = await drifted(`again-${mode}`);
    const has = (count: number) =>
      eventually(async () => (await taken(question)).length === count, {
        what: `${count} answers`,
      });
    const first = await click('U0CLEO', message, 'Approve fix');
    await has(1);
    const before = slack.views.length;
    await click('U0CLEO', message, 'Keep live…');
    await eventually(() => slack.views.length > before, { what: 'the modal' });
    await slack.hands.submit('U0CLEO', { reason: REASON });
    await has(2);
    await first.again();
    await click('U0DORA', message, 'Approve fix');
    await has(3);
    expect((await find(question)).status).toBe('open');
    await click('U0CLEO', message, 'Approve fix');
    await settled(question, 'approved');
    const said = (await taken(question)).map((one) => `${one.person} ${one.decision}`);
    const [cleo, dora] = ['cleo approve', 'dora@example.com approve'];
    expect(said).toEqual([cleo, 'cleo accept', dora, cleo]);
  }, 60_000);

  it('in an emergency one of the group approves alone, and says why', async () => {
    const { message, question } = await drifted(`alone-${mode}`);
    const before = slack.views.length;
    await click('U0BEN', message, 'Break glass…');
    await eventually(() => slack.views.length > before, { what: 'the modal' });
    const short = await slack.hands.submit('U0BEN', { reason: `urgent${' '.repeat(20)}` });
    expect(short.answer).toMatchObject({ errors: { reason: expect.stringContaining('20 to') } });
    await slack.hands.submit('U0BEN', { reason: EMERGENCY });
    await settled(question, 'approved');
    const [row, ...others] = await taken(question);
    expect(others).toEqual([]);
    expect(row).toMatchObject({ decision: 'approve', reason: EMERGENCY, quorum: 2 });
    expect(row?.roles).toContain('break-glass');
  }, 60_000);

  it('the command and the App Home answer, too', async () => {
    const { question, name } = await drifted(`one-typed-${mode}`);
    await slack.hands.slash('U0BEN', `show prod/ConfigMap/${NAMESPACE}/${name}`);
    await isTold('U0BEN', `ConfigMap/${name}`);
    await slack.hands.slash('U0BEN', `approve ${question.id} 00000000`);
    await isTold('U0BEN', 'It changed meanwhile');
    await slack.hands.slash('U0EVE', 'status');
    await isTold('U0EVE', 'in no group of approvers');
    await slack.hands.openHome('U0BEN');
    await eventually(() => JSON.stringify(slack.home('U0BEN') ?? '').includes(name), {
      what: 'the App Home',
    });
    await slack.hands.slash('U0BEN', `approve ${question.id} ${question.digest.slice(0, 8)}`);
    await isTold('U0BEN', `Question ${question.id}: approved.`);
    await settled(question, 'approved');
  }, 60_000);
});

describe('when parts are away', () => {
  it('an acked click that Temporal never heard of is not taken for a decision, and can be repeated', async () => {
    slack.hands.sendTo(new URL('/slack/events', overHttp.url));
    const { message, question } = await drifted('one-away');
    await proxy.vanish();
    const sent = await click('U0BEN', message, 'Approve fix');
    expect(sent.afterMs).toBeLessThan(3_000);
    await isTold('U0BEN', 'Not recorded', 20_000);
    expect((await find(question)).status).toBe('open');
    await proxy.appear();
    await eventually(
      async () => {
        await click('U0BEN', message, 'Approve fix');
        return (await find(question)).status === 'approved';
      },
      { what: 'the repeated approval', timeoutMs: 30_000 },
    );
    expect(await taken(question)).toHaveLength(1);
  }, 90_000);

  it('the connection comes back by itself', async () => {
    slack.refreshSockets();
    await eventually(() => slack.openSockets() > 0, { what: 'a new connection' });
    slack.hands.sendTo('socket');
    const sent = await slack.hands.slash('U0BEN', 'help');
    expect(sent.acked).toBe(true);
  }, 30_000);
});

describe('many at once', () => {
  it('a group is approved by one click, each question by itself, and only as it was shown', async () => {
    slack.hands.sendTo('socket');
    const questions = await Promise.all(
      ['group-a', 'group-b'].map(async (name) => (await asked(name, 'staging')).question),
    );
    const { digests } = main.parts.store;
    const members = questions.map((one) => ({ subject: one.episodeId, leads: false }));
    await digests.add({ id: 'd-group', receiver: 'drifts', at: new Date().toISOString() }, members);
    const { startedAt = '' } = (await digests.find('d-group')) ?? {};
    const load = createSubjects(main.parts);
    const known = await Promise.all(members.map((one) => load(one.subject)));
    const views = known.flatMap((one) => one?.view ?? []);
    const view = makeDigestView({ id: 'd-group', startedAt, views }, digest);
    const message = await client.post({ channel: CHANNEL, ...renderDigest(view) });
    await click('U0EVE', message, 'approve-group.0');
    await isTold('U0EVE', 'Not for you to approve');
    await click('U0BEN', message, 'approve-group.0');
    await Promise.all(questions.map((one) => settled(one, 'approved')));
    for (const one of questions) expect(await taken(one)).toMatchObject([{ person: 'ben' }]);
    await click('U0CLEO', message, 'approve-group.0');
    await isTold('U0CLEO', 'It changed meanwhile');
  }, 60_000);
});

describe('from the edit to the end, in one message', () => {
  it('an approval is carried out once, and the message says by whom', async () => {
    const { question } = await asked('told-approved');
    const posted = await headline('told-approved', 'Approve fix');
    for (const words of ['ConfigMap/told-approved', 'data.level', 'low', 'high', 'kubectl-edit']) {
      expect(slack.transcript()).toContain(words);
    }
    expect(await levelOf('told-approved')).toBe('high');
    slack.hands.sendTo('socket');
    await click('U0BEN', posted, 'Approve fix');
    await settled(question, 'approved');
    const ended = await headline('told-approved', 'Fixed', 'ben');
    expect(ended.ts).toBe(posted.ts);
    expect(JSON.stringify(ended.blocks)).not.toContain('"action_id":"approve"');
    expect(await levelOf('told-approved')).toBe('low');
    // By the message as it was, which somebody may still have before them.
    const value = encodeValue({ question: question.id, digest: question.digest });
    await slack.hands.press('U0CLEO', ended, { type: 'button', action_id: 'approve', value });
    await isTold('U0CLEO', 'This is over');
    expect(await taken(question)).toMatchObject([{ person: 'ben', door: 'slack' }]);
    const { hub } = main.parts;
    const space = await hub.findSpace(NAMESPACE);
    const unit = space && (await hub.findUnit(space.spaceId, 'told-approved'));
    const applies = new Set(
      (unit ? await hub.listUnitEvents(unit) : []).map((one) => one.operationId),
    );
    expect(applies.size).toBe(2);
  }, 90_000);

  it('a rejection writes nothing, and its reason is on record', async () => {
    const { question } = await asked('told-rejected');
    const posted = await headline('told-rejected', 'Reject…');
    slack.hands.sendTo(new URL('/slack/events', overHttp.url));
    await click('U0CLEO', posted, 'Reject…');
    await eventually(() => slack.views.at(-1)?.user === 'U0CLEO', { what: 'the modal' });
    await slack.hands.submit('U0CLEO', { reason: REASON });
    await settled(question, 'rejected');
    await headline('told-rejected', 'Rejected', 'cleo');
    expect(await levelOf('told-rejected')).toBe('high');
    expect(await taken(question)).toMatchObject([{ decision: 'reject', reason: REASON }]);
  }, 90_000);
});

describe('what is not from Slack', () => {
  const form = 'payload=%7B%7D';

  it.each([
    ['a wrong signature', { secret: 'another-secret' }],
    ['an old request', { ageS: 301 }],
  ])('%s is refused', async (_what, signing) => {
    slack.hands.sendTo(new URL('/slack/events', overHttp.url));
    expect((await slack.hands.post(form, signing)).status).toBe(401);
  });

  it('without a signature nothing is answered', async () => {
    const { status } = await fetch(new URL('/slack/events', overHttp.url), {
      ...{ method: 'POST', body: form },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(status).toBe(401);
  });
});

async function click(
  user: string,
  message: { readonly channel: string; readonly ts: string },
  label: string,
) {
  const sent = await slack.hands.click(user, message, label);
  expect(sent.acked, `${user} ${label}`).toBe(true);
  return sent;
}

/** Once this person alone has been told so; each thing is heard once. */
const heard = new Set<unknown>();
async function isTold(user: string, words: string, timeoutMs = 10_000): Promise<void> {
  const told = await eventually(
    () =>
      slack.ephemerals.find((one) => {
        const text = `${one.text} ${JSON.stringify(one.blocks)}`;
        return one.user === user && !heard.has(one) && text.includes(words);
      }),
    { what: `${user} is told ${words}`, timeoutMs },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${slack.transcript()}`);
  });
  heard.add(told);
}

/** The one message about a drift that Realign posted, once it says so. */
function headline(name: string, ...words: readonly string[]) {
  return eventually(
    () => {
      const found = slack.messages(CHANNEL).filter((one) => {
        const isAbout = JSON.stringify(one.blocks).includes(name);
        return isAbout && one.thread_ts === undefined;
      });
      expect(found).toHaveLength(1);
      const text = JSON.stringify(found[0]?.blocks);
      return words.every((one) => text.includes(one)) && found[0];
    },
    { what: `a message about ${name} that says ${words.join(', ')}`, timeoutMs: 60_000 },
  );
}

/** A declared ConfigMap of prod that somebody edited, and a message that asks about it. */
async function drifted(name: string) {
  const { question } = await asked(name);
  const known = await createSubjects(main.parts)(question.episodeId);
  if (!known) throw new Error('the question is not known');
  const message = await client.post({ channel: CHANNEL, ...renderDrift(known.view) });
  return { question, message, name };
}

async function asked(
  name: string,
  environment: Environment = 'prod',
): Promise<{ readonly question: Question }> {
  await declare(name, environment);
  const ref = refOf(name, environment);
  await admin.jsonPatch(ref, [{ op: 'replace', path: '/data/level', value: 'high' }], {
    fieldManager: 'kubectl-edit',
  });
  const question = await eventually(
    async () => {
      const found = await main.parts.store.questions.openFor(ref);
      // The author is known when the audit event has arrived.
      return found?.barred?.includes('author') && found;
    },
    { what: `a question about ${name}`, timeoutMs: 30_000 },
  );
  return { question };
}

async function declare(name: string, environment: Environment): Promise<void> {
  const { hub } = main.parts;
  const space = await hub.findSpace(`acorn-bear-${environment}`);
  if (!space) throw new Error('no space');
  const [target] = await hub.listTargets(space.spaceId);
  const unit = await hub.createUnit(space.spaceId, {
    slug: name,
    ...(target && { targetId: target.targetId }),
    data: `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { level: low }\n`,
  });
  const { operationId } = await hub.applyUnit(unit);
  await hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
}

function refOf(name: string, environment: Environment = 'prod'): ResourceRef {
  const namespace = `acorn-bear-${environment}`;
  const place = { environment, group: '', version: 'v1', namespace };
  return { ...place, kind: 'ConfigMap', name };
}

async function levelOf(name: string): Promise<unknown> {
  const data = (await admin.get(refOf(name)))?.['data'];
  return (data as { level?: string } | undefined)?.level;
}

async function find({ id }: Question): Promise<Question> {
  const found = await main.parts.store.questions.find(id);
  if (!found) throw new Error(`no question ${id}`);
  return found;
}

async function taken({ id }: Question): Promise<readonly DecisionRow[]> {
  const rows = await main.parts.store.decisions.listFor(id);
  return rows.filter((one) => one.result === 'taken');
}

async function settled(question: Question, status: string): Promise<void> {
  await eventually(async () => (await find(question)).status === status, {
    ...{ what: `${question.id} is ${status}`, timeoutMs: 20_000 },
  });
}
