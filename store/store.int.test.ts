import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Episode, Finding, Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { createLog } from '../lib/log.ts';
import { findingOf } from '../testing/findings.ts';
import { testPostgres } from '../testing/stack.ts';
import { createStore, migrate, type Store } from './index.ts';

let database: { url: string };
let store: Store;
beforeAll(async () => {
  database = await testPostgres();
  await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
  store = createStore({ databaseUrl: database.url, log: createLog('silent') });
});
afterAll(async () => {
  await store?.close();
});

let serial = 0;
let ref: ResourceRef;
beforeEach(() => {
  serial += 1;
  ref = {
    environment: 'dev',
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: 'shop',
    name: `api-${serial}`,
  };
});

const states = {
  desired: { spec: { replicas: 3 } },
  live: { spec: { replicas: 5 } },
  desiredHash: 'sha256:aa',
};
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

function finding(): Finding {
  return findingOf(ref, { diffDigest: 'd1' });
}

function episode(id: string, second = 1): Episode {
  return {
    episodeId: `${ref.name}-${id}`,
    ref,
    workflowId: `drift:${ref.name}`,
    runId: `run-${id}`,
    firstDetected: at(second),
    outcome: 'detecting',
  };
}

const record = async () =>
  (await store.records.find({ kind: 'Deployment', namespace: 'shop', name: ref.name }))[0];

test('hits of ignore rules add up, and the last place is kept', async () => {
  const hit = {
    rule: 'hpa',
    hits: 2,
    lastHit: at(5),
    environment: 'dev',
    resource: 'Deployment/shop/a',
    path: 'spec.replicas',
  };
  await store.ruleHits.add([hit]);
  await store.ruleHits.add([
    { ...hit, hits: 3, lastHit: at(1), path: 'spec' },
    { ...hit, rule: 'b' },
  ]);
  expect(await store.ruleHits.list()).toEqual(
    expect.arrayContaining([
      { ...hit, hits: 5, path: 'spec' },
      { ...hit, rule: 'b' },
    ]),
  );
});

describe('episodes and records', () => {
  test('a drift becomes active, resolved, and active again with a new beginning and its history kept', async () => {
    const first = episode('1');
    await store.episodes.open(first, states);
    await store.episodes.update(first.episodeId, {
      finding: finding(),
      outcome: 'fixing',
      rule: 'dev',
    });
    expect(await record()).toMatchObject({
      status: 'active',
      firstDetected: at(1),
      outcome: 'fixing',
      rule: 'dev',
    });
    await store.episodes.close(
      first.episodeId,
      'fixed',
      'Drift resolved. Configuration now matches Git.',
      at(5),
    );
    expect(await record()).toMatchObject({
      status: 'resolved',
      resolvedAt: at(5),
      resolutionMessage: 'Drift resolved. Configuration now matches Git.',
      finding: { changes: [{ path: 'spec.replicas' }] },
    });
    await store.records.noteClean(ref, states, at(6));
    expect((await record())?.status).toBe('resolved');

    await store.episodes.open(episode('2', 9), states);
    const again = await record();
    expect(again).toMatchObject({ status: 'active', firstDetected: at(9), resolutionMessage: '' });
    expect(again).not.toHaveProperty('resolvedAt');
    expect(again).not.toHaveProperty('finding');
    const history = await store.episodes.listFor(ref, 10);
    expect(history.map((one) => one.outcome)).toEqual(['detecting', 'fixed']);
    expect(history[1]?.finding?.changes).toHaveLength(1);
  });

  test('repeating any write changes nothing, not even after the episode ended', async () => {
    const one = episode('1');
    await store.episodes.open(one, states);
    await store.episodes.close(one.episodeId, 'fixed', 'done', at(5));
    const before = await record();
    await store.episodes.open(one, states);
    await store.episodes.update(one.episodeId, { outcome: 'waiting' });
    await store.episodes.close(one.episodeId, 'failed', 'late', at(9));
    expect(await record()).toEqual(before);
  });

  test('many openings of one resource at once leave one open episode', async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        store.episodes.open(episode(String(index), index), states),
      ),
    );
    const all = await store.episodes.listFor(ref, 20);
    expect(all).toHaveLength(8);
    expect(all.filter((one) => one.endedAt === undefined)).toHaveLength(1);
  });

  test('an orphaned episode is closed with its question by the next one', async () => {
    expect(await store.episodes.open(episode('1'), states)).toEqual([]);
    await store.questions.open(question('q', episode('1')));
    // Whoever died before telling people of the end is told of it again.
    for (const _attempt of [1, 2]) {
      expect(await store.episodes.open(episode('2', 2), states)).toEqual([`${ref.name}-1`]);
    }
    expect(await store.episodes.find(`${ref.name}-1`)).toMatchObject({
      outcome: 'failed',
      endedAt: at(2),
    });
    expect((await store.questions.find(`${ref.name}-q`))?.status).toBe('withdrawn');
  });

  test('steps are kept once each, in order', async () => {
    const entry = { episodeId: `${ref.name}-1`, step: 'apply', key: 'unit', attempt: 1, at: at(1) };
    await store.episodes.appendStep({ ...entry, status: 'started' });
    const failed = { ...entry, status: 'failed', message: 'no\0pe' } as const;
    await store.episodes.appendStep(failed);
    await store.episodes.appendStep(failed);
    const steps = await store.episodes.listSteps(entry.episodeId);
    expect(steps.map((one) => one.status)).toEqual(['started', 'failed']);
    expect(steps[1]?.message).toBe('no\ufffdpe');
  });

  test('a step that starts again is the next attempt, however whoever runs it counts', async () => {
    const entry = { episodeId: `${ref.name}-1`, step: 'detect', key: '1', at: at(1) };
    const start = (attempt: number) =>
      store.episodes.appendStep({ ...entry, attempt, status: 'started' });
    expect([await start(1), await start(1), await start(2), await start(7)]).toEqual([1, 2, 3, 7]);
    const steps = await store.episodes.listSteps(entry.episodeId);
    expect(steps.map((one) => one.attempt)).toEqual([1, 2, 3, 7]);
  });

  test('characters that jsonb refuses do not stop a record', async () => {
    const odd = { data: { key: 'nul \0 half \ud800 literal \\u0000' } };
    await store.records.noteClean(ref, { desired: odd, live: null, desiredHash: 'h' }, at(1));
    expect(await record()).toMatchObject({
      desiredState: { data: { key: 'nul \ufffd half \ufffd literal \\u0000' } },
      liveState: null,
    });
  });
});

function question(id: string, of: Episode): Question {
  return {
    id: `${ref.name}-${id}`,
    kind: 'drift',
    workflowId: of.workflowId,
    episodeId: of.episodeId,
    number: 1,
    environment: 'dev',
    ref,
    severity: 'high',
    summary: 'replicas 3 → 5',
    finding: finding(),
    plans: [],
    offered: 'revert',
    digest: 'd1',
    rule: 'prod',
    quorum: 1,
    approvers: [],
    approvals: [],
    status: 'open',
    askedAt: at(1),
    expiresAt: at(59),
  };
}

describe('questions and decisions', () => {
  test('a newer question supersedes the older, and a late retry of the older does not come back', async () => {
    const of = episode('1');
    await store.episodes.open(of, states);
    await store.questions.open(question('a', of));
    await store.questions.open(question('b', of));
    await store.questions.open(question('a', of));
    expect((await store.questions.find(`${ref.name}-a`))?.status).toBe('superseded');
    expect((await store.questions.openFor(ref))?.id).toBe(`${ref.name}-b`);
    expect((await record())?.questionId).toBe(`${ref.name}-b`);
  });

  test('the first closing holds', async () => {
    await store.questions.open(question('a', episode('1')));
    await store.questions.setApprovals(`${ref.name}-a`, ['ann']);
    await store.questions.close(`${ref.name}-a`, 'approved', at(3));
    await store.questions.close(`${ref.name}-a`, 'expired', at(4));
    expect(await store.questions.find(`${ref.name}-a`)).toMatchObject({
      status: 'approved',
      closedAt: at(3),
      approvals: ['ann'],
    });
  });

  test('a decision is settled once and cannot be deleted', async () => {
    await store.questions.open(question('a', episode('1')));
    const row = {
      decisionId: `${ref.name}-d`,
      questionId: `${ref.name}-a`,
      decision: 'approve',
      person: 'ann',
      roles: ['approver'],
      door: 'rest',
      digest: 'd1',
      reason: '',
      at: at(1),
      result: 'pending',
    } as const;
    await store.decisions.insert(row);
    await store.decisions.insert({ ...row, person: 'mallory' });
    await store.decisions.settle(row.decisionId, 'refused', 'DIGEST_STALE');
    await store.decisions.settle(row.decisionId, 'taken');
    expect(await store.decisions.listFor(row.questionId)).toEqual([
      { ...row, result: 'refused', refusal: 'DIGEST_STALE' },
    ]);
  });
});

describe('lists', () => {
  test('pages through every record once, whatever is updated meanwhile', async () => {
    const namespace = 'paged';
    const names = Array.from({ length: 25 }, (_, index) => `r${String(index).padStart(2, '0')}`);
    for (const name of names) {
      await store.records.noteClean({ ...ref, namespace, name }, states, at(1));
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.records.list({ namespace, limit: 7, ...(cursor && { cursor }) });
      seen.push(...page.items.map((one) => one.ref.name));
      for (const name of names) {
        await store.records.noteClean(
          { ...ref, namespace, name },
          { ...states, live: seen.length },
          at(30),
        );
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen.sort()).toEqual(names);
  });

  test('filters by what drifted and how badly', async () => {
    const where = { ...ref, namespace: 'filtered' };
    await store.records.noteClean({ ...where, name: 'clean' }, states, at(1));
    await store.episodes.open(
      { ...episode('x'), ref: { ...where, name: 'bad' }, finding: finding() },
      states,
    );
    const list = async (query: object) =>
      (await store.records.list({ namespace: 'filtered', ...query })).items.map(
        (one) => one.ref.name,
      );
    expect(await list({ driftDetected: true })).toEqual(['bad']);
    expect(await list({ driftDetected: false })).toEqual(['clean']);
    expect(await list({ severity: 'high' })).toEqual(['bad']);
    expect(await list({ severity: 'low' })).toEqual([]);
    expect(
      await list({ status: 'none', kind: 'Deployment', environment: 'dev', name: 'clean' }),
    ).toEqual(['clean']);
  });

  test('a cursor that nobody gave is refused', async () => {
    await expect(store.records.list({ cursor: 'banana' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  test('statistics add up', async () => {
    const statistics = await store.records.statistics();
    expect(statistics.total).toBe(statistics.active + statistics.resolved + statistics.none);
    expect(statistics.total).toBeGreaterThan(25);
    expect((await store.records.statistics('nowhere')).total).toBe(0);
  });
});

describe('people and programs at the database', () => {
  async function withClient(use: (client: Client) => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      await use(client);
    } finally {
      await client.end();
    }
  }

  test('the audit cannot be rewritten, by hand neither', async () => {
    const episodeId = `${ref.name}-1`;
    const entry = {
      episodeId,
      step: 'apply',
      key: '',
      attempt: 1,
      status: 'done',
      at: at(1),
    } as const;
    await store.episodes.appendStep(entry);
    await withClient(async (client) => {
      const rewrites = [
        `update steps set status = 'failed' where episode_id = '${episodeId}'`,
        `delete from steps where episode_id = '${episodeId}'`,
      ];
      for (const sql of rewrites) await expect(client.query(sql)).rejects.toThrow('append-only');
    });
    expect(await store.episodes.listSteps(episodeId)).toEqual([entry]);
  });

  test('every change is announced by table and id', async () => {
    await withClient(async (client) => {
      const heard: unknown[] = [];
      const step = Promise.withResolvers<void>();
      client.on('notification', ({ payload = '' }) => {
        heard.push(JSON.parse(payload));
        if (payload.includes('steps')) step.resolve();
      });
      await client.query('listen realign_changes');
      const { episodeId } = episode('1');
      await store.episodes.open(episode('1'), states);
      await store.episodes.appendStep({
        episodeId,
        step: 'detect',
        key: '',
        attempt: 1,
        status: 'done',
        at: at(1),
      });
      await step.promise;
      expect(heard).toContainEqual({ table: 'episodes', id: episodeId });
      expect(heard).toContainEqual({ table: 'records', id: (await record())?.id });
      expect(heard).toContainEqual({ table: 'steps', id: episodeId });
    });
  });
});

describe('the rest', () => {
  test('an analysis run reports its progress until it ends', async () => {
    const run = {
      runId: 'run-1',
      workflowId: 'analysis:all',
      scope: { namespace: 'shop' },
      startedAt: at(1),
    };
    expect(await store.analysisRuns.start(run)).toBe(true);
    expect(await store.analysisRuns.start(run)).toBe(false);
    await store.analysisRuns.progress('run-1', {
      total: 4,
      checked: 2,
      drifted: 1,
      errors: ['bad unit'],
    });
    expect(await store.analysisRuns.find('run-1')).toMatchObject({
      checked: 2,
      drifted: 1,
    });
    await store.analysisRuns.finish('run-1', 'completed', at(9));
    await store.analysisRuns.finish('run-1', 'failed', at(10));
    expect(await store.analysisRuns.find('run-1')).toMatchObject({
      status: 'completed',
      endedAt: at(9),
    });
  });

  test('a run whose workflow was ended from outside fails when the next one starts', async () => {
    const run = { workflowId: 'analysis:dev:_:_', scope: { environment: 'dev' }, startedAt: at(1) };
    await store.analysisRuns.start({ ...run, runId: 'orphan' });
    expect(await store.analysisRuns.start({ ...run, runId: 'next' })).toBe(true);
    expect(await store.analysisRuns.find('orphan')).toMatchObject({ status: 'failed' });
    expect(await store.analysisRuns.find('next')).toMatchObject({ status: 'running' });
  });

  test('runs that ended go after 30 days, when another one starts', async () => {
    const day = (number: number) => new Date(Date.UTC(2026, 2, number)).toISOString();
    const begin = (runId: string, number: number) =>
      store.analysisRuns.start({ runId, workflowId: runId, scope: {}, startedAt: day(number) });
    for (const [runId, number] of [
      ['old', 1],
      ['recent', 2],
      ['endless', 1],
    ] as const) {
      await begin(runId, number);
      if (runId !== 'endless') await store.analysisRuns.finish(runId, 'completed', day(number));
    }
    await begin('newest', 32);
    expect(await store.analysisRuns.find('old')).toBeUndefined();
    for (const kept of ['recent', 'endless', 'newest']) {
      expect(await store.analysisRuns.find(kept)).toBeDefined();
    }
  });

  test('every process gets the same installation key', async () => {
    const other = createStore({ databaseUrl: database.url, log: createLog('silent') });
    const [mine, theirs] = await Promise.all([store.installationKey(), other.installationKey()]);
    await other.close();
    expect(mine).toHaveLength(32);
    expect(theirs).toEqual(mine);
  });

  test('a Postgres that refuses role or database says what to correct', async () => {
    const { url } = await testPostgres();
    const wrong = new URL(url);
    wrong.pathname = '/absent';
    const refused = createStore({ databaseUrl: wrong.href, log: createLog('silent') });
    await expect(refused.ping()).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: 'Postgres refused the connection: database "absent" does not exist',
      repair: expect.stringMatching(/^Correct user, password and database of DATABASE_URL/),
    });
    await refused.close();
  });

  test('a Postgres that is away is told apart from everything else', async () => {
    const away = createStore({
      databaseUrl: 'postgres://a:b@127.0.0.1:1/x',
      log: createLog('silent'),
    });
    await expect(away.ping()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await expect(away.episodes.open(episode('1'), states)).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    });
    await expect(migrate('postgres://a:b@127.0.0.1:1/x')).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    });
    await away.close();
    await expect(store.ping()).resolves.toBeUndefined();
  });
});
