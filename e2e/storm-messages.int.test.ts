import type { ChildProcess } from 'node:child_process';
import { createServer, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Question } from '../drift/decide/record.ts';
import { type CrashStage, endProcess, openCrashStage } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { type FakeMessage, type FakeSlack, startFakeSlack } from '../testing/fake-slack.ts';
import { keepOpenHistory } from '../testing/keep-history.ts';
import { createDecisionDoor } from '../workers/doors.ts';
import { openSlackDoor } from '../workers/slack-door.ts';

// Many drifts at once, and workers that die while they post.

const DRIFTS = 100;
const MAX_POSTS = 12;
const GROUPED = 'C0GROUPED';
/** Looks like a password; nothing of it may leave. */
const CANARY = 'canary-Zx81kQ07pLmN4vTy';
let stage: CrashStage;
let slack: FakeSlack;

beforeAll(async () => {
  stage = await openCrashStage();
  slack = await startFakeSlack();
}, 120_000);

afterAll(async () => {
  await slack?.close();
  await stage?.close();
});

function sections(apiUrl: string, channel = 'C0DRIFTS') {
  const { botToken, appToken } = slack;
  const tokenHash = `sha256:${'0'.repeat(64)}`;
  return {
    slack: { apiUrl, botToken, appToken, channel, postsPerSecond: 5 },
    people: [{ name: 'ben', roles: ['approver'], tokenHash, slackId: 'U0BEN' }],
  };
}

function posts(): number {
  return slack.calls.filter((one) => one.method === 'chat.postMessage').length;
}

describe('a hundred drifts within ten seconds', () => {
  it('are a dozen posts: some headlines, then one message with the rest', async () => {
    const lane = await openDriftLane(stage, 'storm', { sections: sections(slack.apiUrl) });
    try {
      const names = Array.from({ length: DRIFTS }, (_, index) => `storm-${index}`);
      for (let start = 0; start < names.length; start += 10) {
        const some = names.slice(start, start + 10);
        await Promise.all(some.map((name) => stage.install('asked', name, { mode: 'calm' })));
      }
      const refs = names.map((name) => stage.refOf('asked', name));
      const [first] = refs;
      if (!first) throw new Error('there are a hundred');
      const secret = [{ op: 'add' as const, path: '/data/password', value: CANARY }];
      await stage.admin.jsonPatch(first, secret, { fieldManager: 'kubectl-edit' });
      await Promise.all(refs.map((ref) => lane.edit(ref, 'wild')));
      const digest = await eventually(
        () => slack.messages('C0DRIFTS').find((one) => one.text.includes('95 drifts at once')),
        { timeoutMs: 120_000, what: 'the message about 95 drifts' },
      );
      expect(posts()).toBeLessThanOrEqual(MAX_POSTS);
      await eventually(
        () => slack.messages('C0DRIFTS').filter((one) => one.thread_ts === digest.ts).length === 5,
        { timeoutMs: 60_000, what: 'the five worst in the thread' },
      );
      expect(posts()).toBeLessThanOrEqual(MAX_POSTS);
      expect(JSON.stringify(slack.calls)).not.toContain(CANARY);
    } finally {
      await lane.stop();
    }
  }, 300_000);
});

describe('eight drifts of one kind beyond the first five', () => {
  it('are one message, one reminder, and one click, which stands for what was shown only', async () => {
    slack.addUser({ id: 'U0BEN', name: 'ben' });
    slack.addChannel({ id: GROUPED, name: 'grouped', is_member: true });
    const lane = await openDriftLane(stage, 'grouped', {
      sections: sections(slack.apiUrl, GROUPED),
      rules: { far: { expiryMs: 120_000, remindersAt: [0.2] } },
    });
    const door = openSlackDoor(lane.parts, createDecisionDoor(lane.parts.temporal));
    try {
      const names = Array.from({ length: 13 }, (_, index) => `alike-${index}`);
      await Promise.all(names.map((name) => stage.install('far', name, { mode: 'calm' })));
      const refs = names.map((name) => stage.refOf('far', name));
      await Promise.all(refs.map((ref) => lane.edit(ref, 'wild')));
      const shown = await digestThat('8 drifts at once', 'Approve all 8');
      const { members = [] } = (await digestOf(lane)) ?? {};
      const isMember = new Set(members.map((one) => one.subject));
      const asked = await Promise.all(refs.map((ref) => lane.question(ref)));
      const questions = asked.filter((one) => isMember.has(one.episodeId));
      expect(questions).toHaveLength(8);
      const thread = () => slack.messages(GROUPED).filter((one) => one.thread_ts === shown.ts);
      const reminders = () => thread().filter((one) => one.text.includes('Still waiting'));
      await eventually(() => reminders().length > 0, { timeoutMs: 60_000, what: 'a reminder' });

      const [first] = questions;
      const ref = refs.find((one) => first?.summary.includes(`/${one.name}:`));
      if (!first || !ref) throw new Error('there are eight');
      const { value } = groupButtonOf(shown);
      await lane.edit(ref, 'wilder');
      const changed = await lane.question(ref, first);
      await slack.hands.press('U0BEN', shown, {
        ...{ type: 'button', action_id: 'approve-group.0', value },
      });
      await eventually(
        () => slack.ephemerals.some((one) => JSON.stringify(one).includes('It changed meanwhile')),
        { what: 'the refusal' },
      );
      expect(await decidedBy(lane, questions)).toEqual([]);

      const redrawn = await eventually(
        () => {
          const now = slack.messages(GROUPED).find((one) => one.ts === shown.ts);
          // Not while the changed one is not asked about: then it is a group of seven.
          const isWhole = now && JSON.stringify(now.blocks).includes('Approve all 8');
          return isWhole && groupButtonOf(now).value !== value ? now : undefined;
        },
        { timeoutMs: 30_000, what: 'the group as it is now' },
      );
      await slack.hands.click('U0BEN', redrawn, 'approve-group.0');
      const now = [changed, ...questions.slice(1)];
      const fixed = refs.filter((one) => now.some((it) => it.summary.includes(`/${one.name}:`)));
      await Promise.all(fixed.map((one) => lane.until(one, 'fixed')));
      expect(fixed).toHaveLength(8);
      expect(await decidedBy(lane, now)).toEqual(now.map(() => 'ben slack approve'));
      expect(reminders()).toHaveLength(1);
      await keepOpenHistory(stage, lane, 'announcements:grouped:slack', 'announcements-storm');
    } finally {
      await door?.stop();
      await lane.stop();
    }
  }, 180_000);
});

function digestThat(...words: readonly string[]): Promise<FakeMessage> {
  return eventually(
    () =>
      slack
        .messages(GROUPED)
        .find((one) => words.every((it) => JSON.stringify([one.text, one.blocks]).includes(it))),
    { timeoutMs: 60_000, what: `a message that says ${words.join(', ')}` },
  );
}

/** The digest of the lane's drifts, as Postgres has it. */
async function digestOf({ parts: { store } }: DriftLane) {
  const open = await store.questions.list({ status: 'open', limit: 200 });
  for (const { episodeId } of open) {
    const membership = await store.digests.membershipOf('slack', episodeId);
    const found = membership && (await store.digests.find(membership.digestId));
    if (found?.members.length === 8) return found;
  }
  return undefined;
}

function groupButtonOf({ blocks }: FakeMessage): { readonly value: string } {
  const found = JSON.stringify(blocks).match(
    /"action_id":"approve-group\.0".*?"value":("(?:\\.|[^"\\])*")/,
  );
  return { value: found?.[1] === undefined ? '' : JSON.parse(found[1]) };
}

/** One row for each question, or none. */
async function decidedBy({ parts }: DriftLane, questions: readonly Question[]) {
  const rows = await Promise.all(questions.map((one) => parts.store.decisions.listFor(one.id)));
  return rows.flat().map((one) => `${one.person} ${one.door} ${one.decision}`);
}

describe('a worker that is killed between the post and the record of it', () => {
  it('leaves one message, which the next worker finds', async () => {
    const child: { process?: ChildProcess } = {};
    const gate = await openGate(slack.apiUrl, () => child.process?.kill('SIGKILL'));
    const lane = await stage.lane('killed', 'report', sections(gate.url));
    child.process = lane.startFaulty({ activity: 'none', at: 'before', nth: 1 });
    await stage.install('asked', 'orphaned', { mode: 'calm' });
    const ref = stage.refOf('asked', 'orphaned');
    const edit = [{ op: 'add' as const, path: '/data/mode', value: 'wild' }];
    await stage.admin.jsonPatch(ref, edit, { fieldManager: 'kubectl-edit' });
    await lane.parts.driftDoor.reportDrift(ref, 'drift', Date.now() * 1_000);
    await eventually(() => child.process?.signalCode === 'SIGKILL', {
      timeoutMs: 60_000,
      what: 'the end of the worker',
    });
    const next = await openDriftLane(stage, 'killed', { sections: sections(slack.apiUrl) });
    try {
      const about = () =>
        slack.messages('C0DRIFTS').filter((one) => JSON.stringify(one).includes('orphaned'));
      await eventually(() => about().some((one) => one.edits > 0), {
        timeoutMs: 90_000,
        what: 'the message that was found again',
      });
      expect(about()).toHaveLength(1);
    } finally {
      await next.stop();
      await endProcess(child.process);
      await gate.close();
    }
  }, 240_000);
});

/** Passes calls on to Slack. The first post gets there; before its answer is passed back, `onPost` happens. */
async function openGate(apiUrl: string, onPost: () => void) {
  const server = createServer((incoming, response) => {
    const { method, headers } = incoming;
    const url = new URL(incoming.url?.replace(/^\/api\//, '') ?? '', apiUrl);
    const passed = request(url, { method, headers }, (answer) => {
      if (url.pathname.endsWith('chat.postMessage')) {
        onPost();
        response.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/api/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
