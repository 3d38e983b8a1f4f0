import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import { encodeValue } from '../slack/action-value.ts';
import { type CrashStage, openCrashStage, type Place } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { type FakeMessage, type FakeSlack, startFakeSlack } from '../testing/fake-slack.ts';
import { createDecisionDoor } from '../workers/doors.ts';
import { openSlackDoor, type SlackDoor } from '../workers/slack-door.ts';
import { look } from '../workflows/announcement-messages.ts';

// What people in Slack see of drifts, on real parts and a Slack that refuses what Slack refuses.

const CALM = { mode: 'calm' };
const CHANNEL = 'C0DRIFTS';
const CALLS = 'C0CALLS';
const DASHBOARD = 'https://realign.example.com/drifts/';
let stage: CrashStage;
let slack: FakeSlack;
let lane: DriftLane;
let calling: DriftLane;
let door: SlackDoor | undefined;

beforeAll(async () => {
  stage = await openCrashStage();
  slack = await startFakeSlack();
  slack.addUser({ id: 'U0BEN', name: 'ben' });
  slack.addChannel({ id: CALLS, name: 'calls', is_member: true });
  lane = await restarted();
  calling = await openDriftLane(stage, 'calling', {
    sections: sectionsFor({
      receivers: [{ name: 'team', slack: { channel: CALLS, mention: 'S0TEAM' } }],
      default: ['team'],
    }),
    rules: {
      asked: {
        ...{ approvers: ['slack:S0TEAM', 'ben'], expiryMs: 12_000, remindersAt: [0.25, 0.5] },
        escalation: { at: 0.75, to: ['slack:S0OPS'] },
      },
    },
  });
  door = openSlackDoor(lane.parts, createDecisionDoor(lane.parts.temporal));
  await eventually(() => slack.openSockets() > 0, { what: 'a connection of Socket Mode' });
}, 120_000);

afterAll(async () => {
  slack?.heal();
  await door?.stop();
  await calling?.stop();
  await lane?.stop();
  await slack?.close();
  await stage?.close();
});

/** The lane of most tests. It has asked something before it was told where, and a worker that knows of Slack starts after that. */
async function restarted(): Promise<DriftLane> {
  const before = await openDriftLane(stage, 'announced');
  await before.question(await driftedIn(before, 'asked', 'asked-before'));
  await before.stop();
  return openDriftLane(stage, 'announced', {
    sections: sectionsFor({}, '#drifts'),
    rules: { asked: { quorum: 2 } },
  });
}

function sectionsFor(notifications: object, channel?: string): object {
  const { apiUrl, botToken, appToken } = slack;
  const approveOnWeb = [stage.refOf('home', '').environment];
  const tokenHash = `sha256:${'0'.repeat(64)}`;
  return {
    // Faster than Slack allows: what is measured elsewhere is not waited for here.
    slack: {
      apiUrl,
      botToken,
      appToken,
      approveOnWeb,
      postsPerSecond: 20,
      ...(channel && { channel }),
    },
    notifications: {
      ...{ retryRefusedAfter: '1s', dashboard: `${DASHBOARD}{episode}` },
      ...notifications,
    },
    people: [{ name: 'ben', roles: ['approver'], tokenHash, slackId: 'U0BEN' }],
  };
}

async function driftedIn(by: DriftLane, place: Place, name: string): Promise<ResourceRef> {
  await stage.install(place, name, CALM);
  const ref = stage.refOf(place, name);
  await by.edit(ref, 'wild');
  return ref;
}

function drifted(place: Place, name: string): Promise<ResourceRef> {
  return driftedIn(lane, place, name);
}

/** Messages that name a resource, headlines and replies apart. */
function about(name: string, channel = CHANNEL) {
  const all = slack.messages(channel);
  const headlines = all.filter((one) => one.thread_ts === undefined && says(one, name));
  const replies = all.filter((one) => headlines.some((it) => it.ts === one.thread_ts));
  return { headlines, replies };
}

function says({ text, blocks }: FakeMessage, words: string): boolean {
  return text.includes(words) || JSON.stringify(blocks).includes(words);
}

/** The one headline about a resource, once it says so. */
function headline(name: string, ...words: readonly string[]): Promise<FakeMessage> {
  return headlineIn(CHANNEL, name, ...words);
}

function headlineIn(channel: string, name: string, ...words: readonly string[]) {
  return eventually(
    () => {
      const { headlines } = about(name, channel);
      expect(headlines).toHaveLength(1);
      return headlines.find((one) => words.every((it) => says(one, it)));
    },
    { timeoutMs: 60_000, what: `a headline about ${name} that says ${words.join(', ')}` },
  );
}

describe('a question', () => {
  it('is posted once, edited with each answer and at its end, and its thread says who and what', async () => {
    const ref = await drifted('asked', 'asked-one');
    const posted = await headline('asked-one', 'Approve');
    const question = await lane.question(ref);
    expect(await lane.decide(question, 'ann', 'approve')).toBe('counted');
    const reply = await eventually(() => about('asked-one').replies[0], {
      timeoutMs: 30_000,
      what: 'the approval in the thread',
    });
    expect(says(reply, 'ann')).toBe(true);
    expect(await lane.decide(question, 'bob', 'approve')).toBe('approve taken');
    await lane.until(ref, 'fixed');
    const ended = await headline('asked-one', 'Fixed', 'ann', 'bob', 'REST');
    expect(ended.ts).toBe(posted.ts);
    expect(says(ended, '"action_id":"approve"')).toBe(false);
  }, 120_000);

  it('whose difference changes is drawn anew, and the thread says that approvals no longer count', async () => {
    const ref = await drifted('asked', 'asked-changed');
    await headline('asked-changed', 'wild');
    const first = await lane.question(ref);
    await lane.decide(first, 'ann', 'approve');
    await lane.edit(ref, 'wilder');
    await lane.question(ref, first);
    await headline('asked-changed', 'wilder');
    await eventually(() => about('asked-changed').replies.some((one) => says(one, 'changed')), {
      timeoutMs: 30_000,
      what: 'the change in the thread',
    });
  }, 120_000);
});

describe('a message', () => {
  it('whose arrival nobody heard of is not posted twice', async () => {
    slack.fail('chat.postMessage', { kind: 'drop-after' });
    await drifted('far', 'unheard');
    await headline('unheard', 'Approve');
    const edited = await eventually(() => about('unheard').headlines.find((one) => one.edits > 0), {
      timeoutMs: 30_000,
      what: 'the message that was found again',
    });
    expect(edited.thread_ts).toBeUndefined();
    expect(slack.calls.some((one) => one.method === 'conversations.history')).toBe(true);
  }, 90_000);

  it('that somebody deleted is posted anew', async () => {
    const ref = await drifted('far', 'deleted');
    const first = await headline('deleted', 'Approve');
    slack.deleteMessage(first);
    await lane.decide(await lane.question(ref), 'ann', 'reject');
    const second = await headline('deleted', 'Rejected', 'ann');
    expect(second.ts).not.toBe(first.ts);
    await eventually(() => about('deleted').replies.length > 0, {
      timeoutMs: 30_000,
      what: 'the end in the thread',
    });
  }, 90_000);

  it('that Slack refuses is on record with what to do about it, and posted once that is done', async () => {
    slack.fail(
      'chat.postMessage',
      { kind: 'error', error: 'not_in_channel' },
      Number.POSITIVE_INFINITY,
    );
    const ref = await drifted('far', 'uninvited');
    const question = await lane.question(ref);
    const { failure } = await eventually(
      async () => {
        const all = await lane.parts.store.messages.listFor(question.episodeId);
        return all.find((one) => one.failure);
      },
      { timeoutMs: 30_000, what: 'the refusal' },
    );
    expect(failure).toContain('/invite @realign');
    slack.heal();
    await headline('uninvited', 'Approve');
    expect(await lane.decide(question, 'ann', 'reject')).toBe('reject taken');
    await headline('uninvited', 'Rejected');
  }, 90_000);

  it('that nobody was shown is posted when a worker starts', async () => {
    await headline('asked-before', 'Approve');
  }, 60_000);

  it('of a drift that is gone before it is looked at is not posted', async () => {
    await stage.install('far', 'gone', CALM);
    const ref = stage.refOf('far', 'gone');
    await lane.parts.driftDoor.reportDrift(ref, 'mode was wild', Date.now() * 1_000);
    await lane.parts.temporal.client.workflow.getHandle(driftWorkflowId(ref)).result();
    await drifted('far', 'after-gone');
    await headline('after-gone', 'Approve');
    expect(about('gone').headlines.filter((one) => !says(one, 'after-gone'))).toEqual([]);
  }, 60_000);
});

describe('what cannot be said', () => {
  it('of one drift keeps nobody from hearing of the others', async () => {
    const broken = await drifted('auto', 'broken-one');
    const { episodeId } = await lane.until(broken, 'fixed');
    await headline('broken-one', 'Fixed');
    const database = new pg.Client({ connectionString: lane.parts.config.database.url });
    await database.connect();
    await database.query(`update episodes set finding = '{"changes": 1}' where id = $1`, [
      episodeId,
    ]);
    await database.end();
    const [message] = await lane.parts.store.messages.listFor(episodeId);
    const receiver = message?.receiver ?? '';
    const { taskQueue } = lane.parts.config.temporal;
    const handle = lane.parts.temporal.client.workflow.getHandle(
      `announcements:${taskQueue}:${receiver}`,
    );
    await handle.signal(look, episodeId);
    const other = await drifted('far', 'clear-one');
    await headline('clear-one', 'Approve');
    await lane.decide(await lane.question(other), 'ann', 'reject');
    await headline('clear-one', 'Rejected');
    expect(await lane.parts.metrics.text()).toContain(
      `realign_subjects_parked_total{receiver="${receiver}"} 1`,
    );
  }, 90_000);

  it('is tried again in time by a run that was begun before anyone could set when', async () => {
    const ref = await drifted('far', 'from-of-old');
    const { episodeId } = await lane.question(ref);
    await headline('from-of-old', 'Approve');
    const { receiver = '' } = (await lane.parts.store.messages.listFor(episodeId))[0] ?? {};
    slack.fail('chat.update', { kind: 'error', error: 'not_in_channel' }, Number.POSITIVE_INFINITY);
    const { client } = lane.parts.temporal;
    const { taskQueue } = lane.parts.config.temporal;
    const handle = await client.workflow.signalWithStart('announcements', {
      ...{ workflowId: `announcements:of-old:${taskQueue}`, taskQueue },
      args: [{ receiver, taskQueue: `${taskQueue}-slack` }],
      ...{ signal: look, signalArgs: [episodeId] },
    });
    await lane.decide(await lane.question(ref), 'ann', 'reject');
    await lane.until(ref, 'rejected');
    await handle.signal(look, episodeId);
    const refused = async () => {
      const { events } = await handle.fetchHistory();
      const waits = (events ?? []).map((one) =>
        Number(one.timerStartedEventAttributes?.startToFireTimeout?.seconds ?? 0),
      );
      return waits.some((seconds) => seconds > 800 && seconds <= 900);
    };
    await eventually(refused, { timeoutMs: 30_000, what: 'a wait of a quarter of an hour' });
    slack.heal();
    await handle.terminate('the test is over');
    await headline('from-of-old', 'Rejected');
  }, 90_000);
});

describe('a drift whose run was terminated', () => {
  it('is shown as over once its resource is seen to drift again', async () => {
    const ref = await drifted('far', 'orphaned');
    const posted = await headline('orphaned', 'Approve');
    await lane.parts.temporal.client.workflow.getHandle(driftWorkflowId(ref)).terminate('by hand');
    await lane.edit(ref, 'wilder');
    await lane.question(ref);
    const ended = await eventually(
      () => about('orphaned').headlines.find((one) => one.ts === posted.ts && one.edits > 0),
      { timeoutMs: 30_000, what: 'the end of what was asked' },
    );
    expect(says(ended, '"action_id":"approve"')).toBe(false);
  }, 90_000);
});

describe('an environment whose fixes are approved on the web', () => {
  it('has a link for a button, and neither a click nor an old message approves', async () => {
    const ref = await drifted('home', 'on-web');
    const question = await lane.question(ref);
    const posted = await headline('on-web', `${DASHBOARD}${question.episodeId}`);
    expect(says(posted, '"action_id":"approve"')).toBe(false);
    const value = encodeValue({ question: question.id, digest: question.digest });
    await slack.hands.press('U0BEN', posted, { type: 'button', action_id: 'approve', value });
    await eventually(
      () => slack.ephemerals.find((one) => JSON.stringify(one).includes('not approved in Slack')),
      { what: 'the refusal' },
    );
    expect((await lane.question(ref)).approvals).toEqual([]);
    expect(await lane.modeOf(ref)).toBe('wild');
    await slack.hands.click('U0BEN', posted, 'Snooze 1 hour');
    await headline('on-web', 'ben', 'Snooze');
  }, 120_000);
});

describe('a question that nobody answers', () => {
  it('reminds, the last time in the channel, calls others in, and ends without buttons', async () => {
    const ref = await driftedIn(calling, 'asked', 'unanswered');
    const posted = await headlineIn(CALLS, 'unanswered', 'Approve');
    await calling.until(ref, 'expired');
    const ended = await headlineIn(CALLS, 'unanswered', 'Expired');
    expect(ended.ts).toBe(posted.ts);
    for (const action of ['approve', 'reject', 'accept', 'snooze']) {
      expect(says(ended, `"action_id":"${action}"`)).toBe(false);
    }
    await eventually(
      () => about('unanswered', CALLS).replies.some((one) => says(one, 'Nobody decided in time')),
      { what: 'the end in the thread' },
    );
    const { replies } = about('unanswered', CALLS);
    const reminders = replies.filter((one) => says(one, 'Still waiting'));
    expect(reminders.map((one) => one.reply_broadcast ?? false)).toEqual([false, true]);
    for (const one of reminders) {
      expect(groupsOf(one)).toEqual(['S0TEAM']);
      expect(says(one, '"user_id":"U0BEN"')).toBe(true);
    }
    const [escalation] = replies.filter((one) => says(one, 'Called in'));
    expect(escalation && groupsOf(escalation)).toEqual(['S0TEAM', 'S0OPS']);
  }, 120_000);
});

/** User groups that a message calls. */
function groupsOf({ blocks }: FakeMessage): readonly string[] {
  return [...JSON.stringify(blocks).matchAll(/"usergroup_id":"(\w+)"/g)].map(([, id = '']) => id);
}

describe('an automatic fix', () => {
  it('is told of when it is done, in one message', async () => {
    const ref = await drifted('auto', 'fixed-alone');
    await lane.until(ref, 'fixed');
    const posted = await headline('fixed-alone', 'Fixed');
    expect(about('fixed-alone').replies).toEqual([]);
    expect(says(posted, 'kubectl-edit')).toBe(true);
  }, 90_000);
});

describe('while Slack is away', () => {
  it('questions are decided elsewhere; on its return it shows the present, and nothing of what is over', async () => {
    const approved = await drifted('asked', 'away-approved');
    const posted = await headline('away-approved', 'Approve');
    slack.fail('*', { kind: 'status', status: 503 }, Number.POSITIVE_INFINITY);
    const open = await drifted('asked', 'away-open');
    const gone = await drifted('asked', 'away-gone');
    const question = await lane.question(open);
    const tries = slack.calls.length;
    await eventually(() => slack.calls.length > tries, { timeoutMs: 30_000, what: 'a try' });
    for (const person of ['ann', 'bob']) {
      await lane.decide(await lane.question(approved), person, 'approve');
    }
    await lane.question(gone);
    await lane.undo(gone);
    await lane.until(approved, 'fixed');
    await lane.until(gone, 'resolved');
    expect(await lane.decide(question, 'ann', 'approve')).toBe('counted');
    slack.heal();
    await headline('away-open', 'Approve', '1 of 2');
    const ended = await headline('away-approved', 'Fixed', 'ann', 'bob', 'REST');
    expect(ended.ts).toBe(posted.ts);
    expect(says(ended, '"action_id":"approve"')).toBe(false);
    expect(about('away-gone').headlines).toEqual([]);
  }, 120_000);
});
