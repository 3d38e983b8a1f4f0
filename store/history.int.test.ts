import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Notice } from '../drift/decide/notice.ts';
import type { Episode, Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { createLog } from '../lib/log.ts';
import { findingOf, scaled } from '../testing/findings.ts';
import { testPostgres } from '../testing/stack.ts';
import { createStore, migrate, type Store } from './index.ts';

const states = { desired: {}, live: {}, desiredHash: '' };
const at = (minute: number, second = 0) =>
  new Date(Date.UTC(2026, 0, 1, 0, minute, second)).toISOString();
const REF: ResourceRef = {
  environment: 'dev',
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'api',
};
const FINDING = findingOf(REF, {
  changes: [scaled({ who: 'keda' })],
  who: 'keda',
  diffDigest: 'd1',
});
let store: Store;

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  store = createStore({ databaseUrl: url, log: createLog('silent') });
  await live('fixed-1', 1, 'fixed', at(1, 5));
  await live('short-1', 2, 'resolved', at(2, 30));
  await live('long-1', 3, 'resolved', at(5));
  await live('fixed-2', 6, 'fixed', at(6, 5));
  await live('other', 6, 'fixed', at(6, 5), { ...REF, name: 'web' });
  await live('elsewhere', 6, 'fixed', at(6, 5), { ...REF, environment: 'prod' });
  await live('open', 7, undefined, '');
});

afterAll(async () => {
  await store?.close();
});

async function live(
  id: string,
  minute: number,
  outcome: 'fixed' | 'resolved' | undefined,
  endedAt: string,
  ref = REF,
): Promise<void> {
  const episode: Episode = {
    ...{ episodeId: id, ref, workflowId: `w-${id}`, runId: 'r' },
    firstDetected: at(minute),
    outcome: 'detecting',
  };
  await store.episodes.open(episode, states);
  const change = { finding: FINDING, rule: 'dev', policyOutcome: 'auto' } as const;
  await store.episodes.update(id, change);
  if (outcome) await store.episodes.close(id, outcome, '', endedAt);
}

const SINCE = {
  ...{ blast: at(6), flapping: at(0), shorterThanMs: 60_000, enforced: at(0), hour: at(2) },
};

test('what happened around a resource is counted: drifts begun, short ones, fixes of each rule', async () => {
  expect(await store.history.around(REF, SINCE)).toEqual({
    drifting: 3,
    short: 1,
    fixesByRule: { dev: 3 },
  });
  const none = await store.history.around({ ...REF, environment: 'staging' }, SINCE);
  expect(none).toMatchObject({ drifting: 0, short: 0 });
});

test('an approved fight is remembered, an approved question without one is not', async () => {
  await ask('q1', {});
  expect(await store.history.around(REF, SINCE)).not.toHaveProperty('enforcedAt');
  const fight = { path: 'spec.replicas', opponent: 'keda', fixes: 3, since: at(1), lastFix: at(6) };
  await ask('q2', { fights: [fight], because: 'keda insists' });
  expect(await store.questions.find('q2')).toMatchObject({
    fights: [fight],
    because: 'keda insists',
  });
  expect(await store.history.around(REF, SINCE)).toMatchObject({ enforcedAt: at(9) });
  const later = { ...SINCE, enforced: at(10) };
  expect(await store.history.around(REF, later)).not.toHaveProperty('enforcedAt');
});

test('verified fixes of a resource come newest first, with what differed', async () => {
  const fixes = await store.history.pastFixes(REF, at(0));
  expect(fixes).toEqual([
    {
      detectedMs: Date.parse(at(6)),
      fixedMs: Date.parse(at(6, 5)),
      changes: [{ path: 'spec.replicas', who: 'keda', live: 5 }],
    },
    expect.objectContaining({ fixedMs: Date.parse(at(1, 5)) }),
  ]);
  expect(await store.history.pastFixes(REF, at(6))).toHaveLength(1);
});

test('a notice about one subject is posted once for a while, and a repeat of it is no other', async () => {
  const first = notice('n1', 0);
  expect(await store.notices.post(first, 60_000)).toBe(true);
  expect(await store.notices.post(first, 60_000)).toBe(true);
  expect(await store.notices.post(notice('n2', 0, 59), 60_000)).toBe(false);
  expect(await store.notices.post(notice('n3', 1), 60_000)).toBe(true);
  expect(await store.notices.post({ ...notice('n4', 1), subject: 'other' }, 60_000)).toBe(true);
  const listed = await store.notices.list({ environment: 'dev', limit: 10 });
  expect(listed.map((one) => one.id).toSorted()).toEqual(['n1', 'n3', 'n4']);
});

test('of two notices at once one is posted', async () => {
  const both = ['a', 'b'].map((id) => ({ ...notice(id, 30), subject: 'race' }));
  const posted = await Promise.all(both.map((one) => store.notices.post(one, 60_000)));
  expect(posted.toSorted()).toEqual([false, true]);
});

test('reminders are counted upwards only', async () => {
  await store.questions.setReminded('q1', 2);
  await store.questions.setReminded('q1', 1, ['ann']);
  expect(await store.questions.find('q1')).toMatchObject({ reminded: 2, escalatedTo: ['ann'] });
});

async function ask(id: string, more: Partial<Question>): Promise<void> {
  await store.questions.open({
    ...{ id, kind: 'drift', workflowId: `w-${id}`, episodeId: 'open', number: 1 },
    ...{ environment: 'dev', ref: REF, severity: 'high', summary: '', plans: [] },
    ...{ offered: 'revert', digest: 'd', rule: 'dev', quorum: 1, approvers: [], approvals: [] },
    ...{ status: 'open', askedAt: at(8), expiresAt: at(59) },
    ...more,
  } as Question);
  await store.questions.close(id, 'approved', at(9));
}

function notice(id: string, minute: number, second = 0): Notice {
  return {
    ...{ id, subject: 'blast:dev', kind: 'blast', environment: 'dev', episodeId: 'open' },
    ...{ addressees: [], message: '21 of 30', at: at(minute, second) },
  } as Notice;
}
