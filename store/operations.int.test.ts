import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UnitWrite } from '../drift/decide/operation.ts';
import type { Question } from '../drift/decide/record.ts';
import { createLog } from '../lib/log.ts';
import { testPostgres } from '../testing/stack.ts';
import { createStore, migrate, type Store } from './index.ts';

const at = (second: number) => new Date(Date.UTC(2026, 6, 1, 10, 0, second)).toISOString();
let store: Store;

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  store = createStore({ databaseUrl: url, log: createLog('silent') });
});
afterAll(async () => {
  await store?.close();
});

function write(part: Partial<UnitWrite> & Pick<UnitWrite, 'operationId' | 'kind'>): UnitWrite {
  const { operationId, kind } = part;
  return {
    ...{ episodeId: operationId.split('-')[0] ?? '', key: `web#1`, space: 'shop-dev', unit: 'web' },
    ...{ description: 'Fixed web replicas: 5 → 3', status: 'done', startedAt: at(0) },
    ...part,
    ...{ operationId, kind },
  };
}

describe('operations', () => {
  it('are the steps of one plan, newest first, in pages that neither repeat nor leave out', async () => {
    for (let number = 1; number <= 5; number += 1) {
      // Two of them began at the same moment.
      const startedAt = at(Math.min(number, 4));
      const one = write({ operationId: `d${number}-1`, kind: 'upgrade', startedAt, revision: 2 });
      await store.operations.note({ ...one, endedAt: at(9) });
      await store.operations.note({ ...one, kind: 'apply', startedAt: at(8), endedAt: at(9) });
    }
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.operations.list({
        limit: 2,
        ...(cursor !== undefined && { cursor }),
      });
      ids.push(...page.items.map((one) => one.operationId));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(ids).toEqual(['d5-1', 'd4-1', 'd3-1', 'd2-1', 'd1-1']);
    const [newest] = (await store.operations.list({ limit: 1 })).items;
    expect(newest).toMatchObject({ type: 'upgrade', status: 'done', units: ['shop-dev/web'] });
    expect(newest?.endedAt).toBe(at(9));
  });

  it('take a repeated step for the same one', async () => {
    const row = write({ operationId: 'r1-1', kind: 'apply', status: 'started', startedAt: at(20) });
    await store.operations.note(row);
    expect((await store.operations.list({ limit: 1 })).items[0]?.status).toBe('running');
    await store.operations.note({ ...row, status: 'failed', message: 'away', endedAt: at(21) });
    await store.operations.note({ ...row, startedAt: at(22) });
    await store.operations.note({ ...row, status: 'done', revision: 3, endedAt: at(23) });
    expect(await store.operations.steps('r1-1')).toEqual([
      { ...row, status: 'done', revision: 3, endedAt: at(23) },
    ]);
  });

  it.each([
    ['accept', ['write', 'apply', 'upgrade'], 'done'],
    ['apply', ['apply'], 'done'],
    ['rollback', ['rollback', 'apply'], 'done'],
    ['upgrade', ['upgrade', 'restore'], 'failed'],
  ] as const)('of type %s are told by their steps', async (type, kinds, status) => {
    const operationId = `t${type}-1`;
    for (const kind of kinds) await store.operations.note(write({ operationId, kind }));
    const { items } = await store.operations.list({ limit: 100 });
    expect(items.find((one) => one.operationId === operationId)).toMatchObject({ type, status });
  });

  it('that nobody knows have no steps, and a cursor of another list is refused', async () => {
    expect(await store.operations.steps('nobody')).toEqual([]);
    await expect(store.operations.list({ limit: 1, cursor: 'x' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('the audit trail', () => {
  it('has decisions and what was done, in the order of time, in pages', async () => {
    const question: Question = {
      ...{ id: 'q1', kind: 'drift', workflowId: 'w', episodeId: 'a1', number: 1 },
      ...{ environment: 'dev', severity: 'high', summary: 'replicas 3 → 5', plans: [] },
      ...{ offered: 'revert', digest: 'd', rule: 'r', quorum: 1, approvers: [], approvals: [] },
      ...{ status: 'open', askedAt: at(30), expiresAt: at(59) },
    };
    await store.questions.open(question);
    const decision = {
      questionId: 'q1',
      person: 'ann',
      roles: [],
      door: 'rest',
      digest: 'd',
    } as const;
    await store.decisions.insert({
      ...{ ...decision, decisionId: 'one', decision: 'approve', reason: 'fine', at: at(31) },
      result: 'taken',
    });
    await store.decisions.insert({
      ...{ ...decision, decisionId: 'two', decision: 'reject', reason: '', at: at(32) },
      ...{ result: 'refused', refusal: 'too late' },
    });
    const failed = write({ operationId: 'a1-1', kind: 'apply', startedAt: at(33) });
    await store.operations.note({ ...failed, status: 'failed', message: 'no target' });
    const entries: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 3; page += 1) {
      const found = await store.operations.audit({
        limit: 1,
        ...(cursor !== undefined && { cursor }),
      });
      entries.push(...found.items);
      cursor = found.nextCursor;
    }
    expect(entries).toEqual([
      {
        ...{ at: at(33), user: 'realign', action: 'apply', episodeId: 'a1' },
        details: 'shop-dev/web: Fixed web replicas: 5 → 3, failed: no target',
      },
      {
        ...{ at: at(32), user: 'ann', action: 'reject', episodeId: 'a1' },
        details: 'question q1: replicas 3 → 5, refused: too late',
      },
      {
        ...{ at: at(31), user: 'ann', action: 'approve', episodeId: 'a1' },
        details: 'question q1: replicas 3 → 5 (fine)',
      },
    ]);
    const all = (await store.operations.audit({ limit: 1_000 })).items.map((one) => one.at);
    expect(all).toEqual(all.toSorted().toReversed());
  });
});
