import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Unit } from '../clients/confighub/index.ts';
import type { DecisionRow } from '../drift/decide/record.ts';
import { parseConfig } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { testPostgres } from '../testing/stack.ts';
import { createApplyActivities } from './apply.ts';
import { exactly } from './change-sets.ts';
import type { ActivityDeps } from './deps.ts';
import type { Heartbeat } from './heartbeat.ts';
import { createQuestionActivities } from './questions.ts';
import { createRemediateActivities } from './remediate.ts';
import type { ConfirmInput } from './types.ts';
import { toUnitRef } from './unit-lineage.ts';

const MANIFEST =
  'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  mode: declared\n';
const STEP = { episodeId: 'd1', key: 'k' };

let confighub: TestConfighub;
let store: Store;
let deps: ActivityDeps;

beforeAll(async () => {
  confighub = await startTestConfighub();
  const { url } = await testPostgres();
  await migrate(url);
  const log = createLog('silent');
  store = createStore({ databaseUrl: url, log });
  const config = parseConfig('', { env: {} });
  deps = {
    hub: confighub.hub,
    store,
    config,
    log,
    environments: new Map(),
  } as unknown as ActivityDeps;
});

afterAll(async () => {
  await store?.close();
  await confighub?.close();
});

const beat = (): Heartbeat => ({
  attempt: 1,
  scheduledAtMs: Date.now(),
  lastDetails: undefined,
  signal: new AbortController().signal,
  beat: () => {},
  [Symbol.dispose]: () => {},
});

async function newUnit(): Promise<Unit> {
  const { hub } = confighub;
  const space = await hub.createSpace({ slug: `s-${Math.random().toString(36).slice(2, 10)}` });
  const [target] = await hub.listTargets(space.spaceId);
  return hub.createUnit(space.spaceId, {
    slug: 'app',
    data: MANIFEST,
    ...(target && { targetId: target.targetId }),
  });
}

describe('an apply', () => {
  it('is of the revision that was decided on, and of no other', async () => {
    const unit = await newUnit();
    await confighub.hub.writeData(unit, MANIFEST.replace('declared', 'newer'));
    const { applyUnit } = createApplyActivities(deps, beat);
    const input = { ...STEP, unit: toUnitRef(unit), revision: 1, description: 'Fixed app' };
    await expect(applyUnit(input)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await confighub.hub.listUnitEvents(unit)).toEqual([]);
    await expect(applyUnit({ ...input, revision: 2 })).resolves.toEqual({ revision: 2 });
  });
});

describe('an upgrade', () => {
  const description = 'Fixed app';

  async function behind() {
    const upstream = await newUnit();
    const { hub } = confighub;
    const space = await hub.createSpace({ slug: `s-${Math.random().toString(36).slice(2, 10)}` });
    const clone = await hub.cloneUnit(space.spaceId, {
      ...{ slug: 'app', upstreamSpaceId: upstream.spaceId, upstreamUnitId: upstream.unitId },
    });
    await hub.writeData(upstream, `${MANIFEST}  level: '2'\n`);
    const step = {
      kind: 'upgrade',
      ...{ unit: toUnitRef(clone), upstream: toUnitRef(upstream) },
      ...{ environment: 'dev', revision: 1, fromRevision: 1, toRevision: 2 },
    } as const;
    return { clone, input: { ...STEP, step, description } };
  }

  it('that this plan has made is found done by a repeated attempt', async () => {
    const { clone, input } = await behind();
    const { upgradeUnit } = createRemediateActivities(deps);
    await expect(upgradeUnit(input)).resolves.toEqual({ revision: 2 });
    await expect(upgradeUnit(input)).resolves.toEqual({ revision: 2 });
    expect(await confighub.hub.readData(clone)).toContain('level');
  });

  it('that somebody else has made, and edited on top, is refused', async () => {
    const { clone, input } = await behind();
    const { hub } = confighub;
    await hub.upgradeUnits(exactly(clone), { changeDescription: 'by hand' });
    const { upgradeUnit } = createRemediateActivities(deps);
    await expect(upgradeUnit(input)).rejects.toMatchObject({ code: 'CONFLICT' });
    const upgraded = await hub.getUnit(clone.spaceId, clone.unitId);
    await hub.writeData(upgraded, `${MANIFEST}  level: '2'\n  theirs: '3'\n`);
    await expect(upgradeUnit(input)).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('taking back a write', () => {
  const description = 'Accepted app mode';

  it('restores what this plan wrote', async () => {
    const unit = await newUnit();
    await confighub.hub.writeData(unit, MANIFEST.replace('declared', 'edited'), {
      changeDescription: description,
    });
    const { restoreUnit } = createRemediateActivities(deps);
    const input = { ...STEP, unit: toUnitRef(unit), revision: 1, description };
    await expect(restoreUnit(input)).resolves.toEqual({ applied: false, revision: 3 });
    expect(await confighub.hub.readData(unit)).toBe(MANIFEST);
    // A repeated attempt finds it done.
    await expect(restoreUnit(input)).resolves.toEqual({ applied: false, revision: 3 });
  });

  it('leaves alone what somebody else wrote instead', async () => {
    const unit = await newUnit();
    await confighub.hub.writeData(unit, MANIFEST.replace('declared', 'theirs'), {
      changeDescription: 'by hand',
    });
    const { restoreUnit } = createRemediateActivities(deps);
    const input = { ...STEP, unit: toUnitRef(unit), revision: 1, description };
    await expect(restoreUnit(input)).resolves.toEqual({ applied: false, revision: 2 });
    expect(await confighub.hub.readData(unit)).toContain('theirs');
  });

  it('refuses where somebody wrote on top of it', async () => {
    const unit = await newUnit();
    const written = await confighub.hub.writeData(unit, MANIFEST.replace('declared', 'edited'), {
      changeDescription: description,
    });
    await confighub.hub.writeData(written, MANIFEST.replace('declared', 'later'), {
      changeDescription: 'by hand',
    });
    const { restoreUnit } = createRemediateActivities(deps);
    const input = { ...STEP, unit: toUnitRef(unit), revision: 1, description };
    await expect(restoreUnit(input)).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('a vote', () => {
  beforeAll(async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const ref = {
      environment: 'dev',
      group: '',
      version: 'v1',
      kind: 'ConfigMap',
      namespace: 'shop',
      name: 'app',
    };
    const episode = {
      episodeId: 'd1',
      ref,
      workflowId: 'drift:dev',
      runId: 'r',
      firstDetected: row.at,
      outcome: 'detecting',
    } as const;
    await store.episodes.open(episode, { desired: null, live: null, desiredHash: '' });
    await store.questions.open({
      ...{ id: row.questionId, kind: 'drift', workflowId: 'drift:dev', episodeId: 'd1', number: 1 },
      ...{
        environment: 'dev',
        ref,
        severity: 'high',
        summary: 'app',
        plans: [],
        offered: 'revert',
      },
      ...{
        digest: row.digest,
        rule: 'all',
        quorum: 2,
        approvers: [],
        approvals: [],
        status: 'open',
      },
      ...{ askedAt: row.at, expiresAt: soon },
    });
  });

  const row: DecisionRow = {
    decisionId: 'x1',
    questionId: 'd1-1',
    decision: 'approve',
    person: 'ann',
    roles: ['approver', 'sre'],
    door: 'rest',
    digest: 'f'.repeat(64),
    reason: '',
    at: '2026-11-21T10:00:00.000Z',
    result: 'pending',
  };
  const answer: ConfirmInput = {
    ...STEP,
    decisionId: row.decisionId,
    questionId: row.questionId,
    decision: 'approve',
    person: 'ann',
    digest: row.digest,
    approvals: ['ann'],
    roles: ['sre', 'approver'],
  };

  it.each([
    ['a decision that no door has stored', { decisionId: 'forged' }],
    ['another person', { person: 'bob' }],
    ['roles that the door did not look up', { roles: ['approver', 'admin'] }],
    ['another digest', { digest: 'e'.repeat(64) }],
    ['a snooze that was not asked for', { snoozeUntilMs: 1 }],
  ])('does not count with %s', async (_name, forged) => {
    await store.decisions.insert(row);
    const { confirmDecision } = createQuestionActivities(deps);
    expect(await confirmDecision({ ...answer, ...forged })).toMatchObject({ valid: false });
  });

  it('counts as it was stored, and not once it was refused', async () => {
    const { confirmDecision } = createQuestionActivities(deps);
    await store.decisions.insert(row);
    expect(await confirmDecision(answer)).toMatchObject({ valid: true });
    const refused = { ...row, decisionId: 'x2', person: 'bob' };
    await store.decisions.insert(refused);
    await store.decisions.settle('x2', 'refused', 'not an approver');
    const again = { ...answer, decisionId: 'x2', person: 'bob' };
    expect(await confirmDecision(again)).toMatchObject({ valid: false });
  });
});
