import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { driftWorkflowId, promotionWorkflowId } from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage, type Place } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { createDriftRequests } from '../workers/drift-requests.ts';
import type { EpisodeResult } from '../workflows/messages.ts';

// What an open question stands on, and what becomes of it when that changes while people think.

const CALM = { mode: 'calm' };
const GRACE_MS = 4_000;
const AUDIT_TOKEN = 'the-audit-token-of-this-test';

let stage: CrashStage;
let lane: DriftLane;
/** By the workflow that asks. */
const beforeOpening = new Map<string, () => Promise<void>>();

const interrupt: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const { workflowId = '' } = info.workflowExecution ?? {};
      if (info.activityType === 'openQuestion') await beforeOpening.get(workflowId)?.();
      return next(input);
    },
  },
});

beforeAll(async () => {
  stage = await openCrashStage();
  lane = await openDriftLane(stage, 'questions', {
    rules: { home: { unknownAuthor: 'extra-approver' } },
    sections: {
      policies: [
        {
          ...{ name: 'iced', match: { names: ['iced-b'] }, outcome: 'ask' },
          freezes: [{ since: '2020-01-01', until: '2099-12-31', bars: 'all' }],
        },
      ],
    },
    auditToken: AUDIT_TOKEN,
    pendingGraceMs: GRACE_MS,
    unmanaged: 'report',
    interceptors: [interrupt],
  });
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await stage?.close();
});

async function installed(place: Place, name: string): Promise<ResourceRef> {
  await stage.install(place, name, CALM);
  return stage.refOf(place, name);
}

/** The question itself once it is as said. */
function shown(id: string, isSo: (question: Question) => boolean): Promise<Question> {
  const { questions } = lane.parts.store;
  return eventually(
    async () => {
      const found = await questions.find(id);
      return found && isSo(found) ? found : undefined;
    },
    { timeoutMs: 30_000, what: `what is shown of question ${id}` },
  );
}

describe('an author who becomes known after people were asked', () => {
  it('is shown and barred, and loses a vote given before; the votes of others stand', async () => {
    const ref = await installed('home', 'own-vote');
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    expect(question.quorum).toBe(2);
    expect(await lane.decide(question, 'ann', 'approve')).toBe('counted');
    await lane.audited(ref, 'ann');
    const known = await shown(question.id, (one) => one.barred?.includes('ann') === true);
    expect(known).toMatchObject({ status: 'open', quorum: 1, approvals: [] });
    expect(known.summary).toContain('by ann');
    expect(await lane.decide(known, 'bob', 'approve')).toBe('approve taken');
    await lane.until(ref, 'fixed');
  }, 60_000);

  it('makes the vote of somebody else enough, where one more was needed for want of an author', async () => {
    const ref = await installed('home', 'other-vote');
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    expect(await lane.decide(question, 'bob', 'approve')).toBe('counted');
    await lane.audited(ref, 'ann');
    await lane.until(ref, 'fixed');
    const found = await lane.parts.store.questions.find(question.id);
    expect(found).toMatchObject({ status: 'approved', approvals: ['bob'], barred: ['ann'] });
  }, 60_000);
});

describe('a unit that somebody breaks while people think', () => {
  it('is not taken for one that does not declare the object any more: it is asked again when the unit can be read', async () => {
    const { unitId, spaceId } = await stage.install('asked', 'breaking', CALM);
    const ref = stage.refOf('asked', 'breaking');
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    const sound = await stage.hub.getUnit(spaceId, unitId);
    const data = await stage.hub.readData(sound);
    await stage.hub.writeData(sound, 'kind: [\n');
    expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
    const { message } = await lane.until(ref, 'failed');
    expect(message).toContain('unit breaking cannot be read');
    expect(await lane.modeOf(ref)).toBe('wild');
    await stage.hub.writeData(await stage.hub.getUnit(spaceId, unitId), data);
    await lane.edit(ref, 'wild');
    const again = await lane.question(ref, question);
    expect(await lane.decide(again, 'ann', 'approve')).toBe('approve taken');
    await lane.until(ref, 'fixed');
    expect(await lane.modeOf(ref)).toBe('calm');
  }, 60_000);
});

describe('another object of the unit', () => {
  it('that moves all the time leaves the question and its votes alone', async () => {
    const [a, b] = await pair('home', 'busy');
    await Promise.all([lane.edit(a, 'wild'), lane.edit(b, '0')]);
    const question = await eventually(
      async () => {
        const { questions } = lane.parts.store;
        const open = (await questions.openFor(a)) ?? (await questions.openFor(b));
        const reach = open?.plans[0]?.reach ?? [];
        return new Set(reach.map((one) => one.resource)).size === 2 ? open : undefined;
      },
      { timeoutMs: 60_000, what: 'one question about both objects' },
    );
    const other = question.ref?.name === a.name ? b : a;
    expect(await lane.decide(question, 'bob', 'approve')).toBe('counted');
    for (let count = 1; count <= 5; count++) {
      await lane.edit(other, `moved-${count}`);
      await eventually(
        async () => {
          const [episode] = await lane.parts.store.episodes.listFor(other, 1);
          return episode?.finding?.changes[0]?.live === `moved-${count}`;
        },
        { timeoutMs: 30_000, what: 'the other run has seen it' },
      );
    }
    expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
    await Promise.all([lane.until(a, 'fixed'), lane.until(b, 'fixed')]);
    expect([await lane.modeOf(a), await lane.modeOf(b)]).toEqual(['calm', 'calm']);
  }, 90_000);

  it('whose rule has a freeze bars the approval of the plan for both', async () => {
    const [a, b] = await pair('asked', 'iced');
    await lane.edit(a, 'wild');
    const first = await lane.question(a);
    expect(first.frozen).toBeUndefined();
    await lane.edit(b, 'wild');
    const both = await lane.question(a, first);
    expect(both.rule).toBe('asked');
    expect(await lane.decide(both, 'ann', 'approve')).toBe('FROZEN');
    expect(await lane.decide(both, 'ann', 'reject')).toBe('reject taken');
    await lane.until(a, 'rejected');
  }, 90_000);

  it('that differs otherwise after a rejection is asked about for itself; as it was, it is not', async () => {
    const { episodes, questions } = lane.parts.store;
    const [a, b] = await pair('asked', 'swallowed');
    await lane.edit(a, 'wild');
    const first = await lane.question(a);
    await lane.edit(b, 'wild');
    const both = await lane.question(a, first);
    await lane.decide(both, 'ann', 'reject');
    await lane.until(a, 'rejected');
    const { episodeId } = await lane.until(b, 'waiting');
    const shared = async () => {
      const steps = await episodes.listSteps(episodeId);
      const done = steps.filter((one) => one.step === 'record' && one.status === 'done');
      return done.filter((one) => one.key.startsWith('shared-')).length;
    };
    const before = await shared();
    await lane.parts.driftDoor.reportDrift(b, 'seen again', Date.now() * 1_000);
    await eventually(async () => (await shared()) > before, {
      timeoutMs: 30_000,
      what: 'another look at what was rejected',
    });
    expect(await questions.openFor(b)).toBeUndefined();
    await lane.edit(b, 'wilder');
    const question = await lane.question(b);
    expect(question.finding?.changes[0]?.live).toBe('wilder');
    expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
    await lane.until(b, 'fixed');
  }, 90_000);

  async function pair(place: Place, name: string): Promise<readonly [ResourceRef, ResourceRef]> {
    const { spaceId } = stage.space(place);
    const [target] = await stage.hub.listTargets(spaceId);
    const [a, b] = [`${name}-a`, `${name}-b`] as const;
    const data = [a, b]
      .map(
        (one) =>
          `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${one}\ndata:\n  mode: calm\n`,
      )
      .join('---\n');
    const unit = await stage.hub.createUnit(spaceId, {
      ...{ slug: name, data },
      ...(target && { targetId: target.targetId }),
    });
    const { operationId } = await stage.hub.applyUnit(unit);
    await stage.hub.waitForOperation(unit, operationId, { timeoutMs: 60_000 });
    return [stage.refOf(place, a), stage.refOf(place, b)];
  }
});

describe('a desired change that nobody applies', () => {
  it('is asked about when its grace is over, however often it is looked at', async () => {
    const unit = await stage.install('asked', 'patient', CALM);
    const ref = stage.refOf('asked', 'patient');
    await stage.rewrite(unit, { mode: 'calmer' });
    const { driftDoor, store } = lane.parts;
    const report = (seq: number) => driftDoor.reportDrift(ref, `look ${seq}`, seq);
    await report(1);
    const { message } = await lane.until(ref, 'tracked');
    const until = Date.parse(/asked about after (\S+)\.$/.exec(message ?? '')?.[1] ?? '');
    const { episodeId } = await lane.until(ref, 'tracked');
    for (let looks = 2; looks <= 4; looks++) {
      await report(looks);
      await eventually(
        async () => {
          const steps = await store.episodes.listSteps(episodeId);
          const done = steps.filter((one) => one.step === 'detect' && one.status === 'done');
          return done.length >= looks;
        },
        { timeoutMs: 30_000, what: `look ${looks}` },
      );
    }
    const question = await lane.question(ref);
    const askedMs = Date.parse(question.askedAt);
    expect(askedMs).toBeGreaterThanOrEqual(until);
    expect(askedMs).toBeLessThan(until + GRACE_MS);
    // By now it is as severe as the change itself.
    expect(question.severity).not.toBe('info');
    expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
    await lane.until(ref, 'fixed');
    expect(await lane.modeOf(ref)).toBe('calmer');
  }, 60_000);
});

describe('an object that nobody declares', () => {
  it('is not asked about, and whoever wants to be asked hears why', async () => {
    const ref = stage.refOf('asked', 'stray');
    const { namespace, name } = ref;
    await stage.admin.applyServerSide(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: CALM },
      { fieldManager: 'kubectl-create', force: true },
    );
    await lane.parts.driftDoor.reportDrift(ref, 'stray', 1);
    await lane.until(ref, 'tracked');
    const { taskQueue } = lane.parts.config.temporal;
    const requests = createDriftRequests(lane.parts.temporal, taskQueue);
    await expect(requests.askAgain(driftWorkflowId(ref), 'ann')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('no unit declares this object'),
    });
    await stage.admin.delete(ref);
    await lane.parts.driftDoor.reportClean(ref, 2);
    await lane.until(ref, 'resolved');
  }, 60_000);
});

describe('a promotion', () => {
  it('gives way to that of a newer revision of the same unit', async () => {
    const home = await stage.install('home', 'promoted', CALM);
    await stage.clone(home, 'far');
    const ref = stage.refOf('home', 'promoted');
    const first = await acceptedAs(ref, 'wild', 2);
    const second = await acceptedAs(ref, 'wilder', 3);
    const old = await shown(first.id, (one) => one.status === 'superseded');
    expect(old.workflowId).not.toBe(second.workflowId);
    const ended = await lane.parts.temporal.client.workflow.getHandle(first.workflowId).result();
    expect(ended).toMatchObject({
      outcome: 'resolved',
      message: expect.stringContaining(second.id),
    });
    expect(await lane.decide(second, 'ann', 'approve')).toBe('approve taken');
    await lane.parts.temporal.client.workflow.getHandle(second.workflowId).result();
    expect(await lane.modeOf(stage.refOf('far', 'promoted'))).toBe('wilder');
  }, 90_000);

  it.each([
    ['older', [3, 2]],
    ['newer', [2, 3]],
  ] as const)(
    'gives way where both were planned before either was asked, and the %s is asked last',
    async (last, order) => {
      const name = `at-once-${last}`;
      const home = await stage.install('home', name, CALM);
      await stage.clone(home, 'far');
      const ref = stage.refOf('home', name);
      const promotions = new Map<number, Held>();
      for (const [value, revision] of [
        ['wild', 2],
        ['wilder', 3],
      ] as const) {
        const promotion = hold(promotionOf(name, revision));
        promotions.set(revision, promotion);
        await accept(ref, value);
        await promotion.arrived;
      }
      const asked: Question[] = [];
      for (const revision of order) {
        promotions.get(revision)?.release();
        asked.push(await questionBy(promotionOf(name, revision)));
      }
      const older = asked[order.indexOf(2)];
      const newer = asked[order.indexOf(3)];
      const { message } = await ended(promotionOf(name, 2));
      expect(message).toBe(`Superseded: question ${newer?.id} is about more.`);
      expect(older && (await lane.parts.store.questions.find(older.id))?.status).toBe('superseded');
      expect(newer && (await lane.decide(newer, 'ann', 'approve'))).toBe('approve taken');
      expect(await ended(promotionOf(name, 3))).toMatchObject({ outcome: 'fixed' });
      expect(await lane.modeOf(stage.refOf('far', name))).toBe('wilder');
    },
    90_000,
  );

  /** The question about bringing the accepted value downstream. */
  async function acceptedAs(ref: ResourceRef, value: string, revision: number): Promise<Question> {
    await accept(ref, value);
    return questionBy(promotionOf(ref.name, revision));
  }

  async function accept(ref: ResourceRef, value: string): Promise<void> {
    await lane.edit(ref, value);
    const question = await lane.question(ref);
    await lane.decide(question, 'ann', 'accept');
    expect(await lane.decide(question, 'bob', 'accept')).toBe('accept taken');
    await lane.until(ref, 'accepted');
  }

  function promotionOf(name: string, revision: number): string {
    return promotionWorkflowId(stage.space('far').slug, name, revision);
  }

  /** Whether it is still open or not. */
  function questionBy(workflowId: string): Promise<Question> {
    return eventually(
      async () => {
        const all = await lane.parts.store.questions.list({ limit: 1_000 });
        return all.find((one) => one.workflowId === workflowId);
      },
      { timeoutMs: 60_000, what: `the question of ${workflowId}` },
    );
  }

  function ended(workflowId: string): Promise<EpisodeResult> {
    return lane.parts.temporal.client.workflow.getHandle(workflowId).result();
  }
});

type Held = { readonly arrived: Promise<void>; readonly release: () => void };

/** The run's question is not put on record before it is released. */
function hold(workflowId: string): Held {
  const [arrival, opening] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  beforeOpening.set(workflowId, async () => {
    arrival.resolve();
    await opening.promise;
  });
  return { arrived: arrival.promise, release: () => opening.resolve() };
}

describe('a difference that is too large to show', () => {
  it.each([
    ['hundreds of fields just below what is shown whole', 300, 1_000],
    ['a value of almost a megabyte', 1, 900_000],
  ])(
    'of %s is counted, decided on and fixed, in small payloads',
    async (what, count, length) => {
      const name = `large-${count}`;
      const keys = Array.from({ length: count }, (_, at) => `key-${at}`);
      const data = (mark: string) =>
        Object.fromEntries(keys.map((key) => [key, mark.repeat(length)]));
      await stage.install('home', name, { ...CALM, ...data('a') });
      const ref = stage.refOf('home', name);
      const patch = keys.map((key) => ({
        ...({ op: 'add', path: `/data/${key}` } as const),
        value: 'b'.repeat(length),
      }));
      await stage.admin.jsonPatch(ref, patch, { fieldManager: 'kubectl-edit' });
      await lane.parts.driftDoor.reportDrift(ref, what, 1);
      const question = await lane.question(ref);
      const { finding } = question;
      expect((finding?.changes.length ?? 0) + (finding?.omitted ?? 0)).toBe(count);
      if (count > 1) {
        expect(finding?.omitted).toBeGreaterThan(200);
        expect(question.plans[0]?.reach.at(-1)?.resource).toMatch(/^… and \d+ more fields$/);
      }
      // A field that is not shown counts all the same.
      await stage.admin.jsonPatch(
        ref,
        [{ op: 'add', path: `/data/${keys.at(-1)}`, value: 'c'.repeat(length) }],
        { fieldManager: 'kubectl-edit' },
      );
      expect(await lane.decide(question, 'ann', 'approve')).toBe('counted');
      expect(await lane.decide(question, 'bob', 'approve')).toBe('approve taken');
      const next = await lane.question(ref, question);
      expect(next.digest).not.toBe(question.digest);
      await lane.decide(next, 'ann', 'approve');
      expect(await lane.decide(next, 'bob', 'approve')).toBe('approve taken');
      await lane.until(ref, 'fixed');
      const handle = lane.parts.temporal.client.workflow.getHandle(driftWorkflowId(ref));
      const history = await handle.fetchHistory();
      expect(history.events?.length).toBeLessThan(500);
      expect(largestPayload(historyToJSON(history))).toBeLessThan(64 * 1024);
    },
    90_000,
  );
});

function largestPayload(json: string): number {
  const sizes = [...json.matchAll(/"data":\s*"([A-Za-z0-9+/=]*)"/g)].map(([, data]) => {
    return Buffer.byteLength(data ?? '', 'base64');
  });
  return Math.max(...sizes);
}
