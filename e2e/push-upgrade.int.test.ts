import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toUnitRef } from '../activities/unit-lineage.ts';
import type { Unit } from '../clients/confighub/index.ts';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { promotionWorkflowId } from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage, type Place } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { createCommandDoor } from '../workers/command-door.ts';

// What is accepted goes down the whole chain of clones: near, auto and far follow by themselves here, home and asked ask.

const CALM = { mode: 'calm' };
const WILD = { mode: 'wild' };

let stage: CrashStage;
let lane: DriftLane;
let door: ReturnType<typeof createCommandDoor>;
/** Done once before the upgrade of a unit, by its name. */
const beforeUpgrade = new Map<string, () => Promise<void>>();

const interrupt: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      if (info.activityType === 'upgradeUnit') {
        const [{ step }] = input.args as [{ step: { unit: { slug: string } } }];
        const meanwhile = beforeUpgrade.get(step.unit.slug);
        beforeUpgrade.delete(step.unit.slug);
        await meanwhile?.();
      }
      return next(input);
    },
  },
});

beforeAll(async () => {
  stage = await openCrashStage();
  lane = await openDriftLane(stage, 'push-upgrade', {
    rules: { far: { outcome: 'auto' } },
    interceptors: [interrupt],
  });
  door = createCommandDoor(lane.parts.temporal, lane.parts.store, lane.parts.config.temporal);
}, 120_000);

afterAll(async () => {
  await lane?.stop();
  await stage?.close();
});

describe('a value that is accepted', () => {
  it('upgrades the level that follows by itself, and is asked about one level below', async () => {
    const { ref, units } = await chain('two-levels', ['home', 'near', 'asked']);
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    const plan = question.plans.find((one) => one.fix === 'accept');
    expect(plan?.steps.map((step) => [step.kind, step.unit.space])).toEqual(
      [
        ['write', 'home'],
        ['apply', 'home'],
        ['upgrade', 'near'],
        ['apply', 'near'],
        ['ask', 'asked'],
      ].map(([kind, place]) => [kind, stage.space(place as Place).slug]),
    );
    // Whoever accepts sees what that changes below.
    const { environment, namespace, name } = stage.refOf('near', 'two-levels');
    expect(plan?.reach).toEqual([
      {
        ...{ environment, resource: `ConfigMap/${namespace}/${name}`, path: 'data.mode' },
        ...{ from: 'calm', to: 'wild' },
      },
    ]);
    await lane.decide(question, 'ann', 'accept');
    await lane.until(ref, 'accepted');
    expect(await dataOf('near', name)).toEqual(WILD);
    expect(await dataOf('asked', name)).toEqual(CALM);
    expect((await present(units.asked)).headRevision).toBe(1);

    const asked = await promotionOf('asked', name, 2);
    await lane.decide(asked, 'bob', 'approve');
    await ended(asked);
    expect(await dataOf('asked', name)).toEqual(WILD);
  }, 60_000);

  it('goes through three levels that follow by themselves, and is asked about below them', async () => {
    const name = 'four-levels';
    const { ref } = await chain(name, ['home', 'near', 'auto', 'far', 'asked']);
    await lane.edit(ref, 'wild');
    await lane.decide(await lane.question(ref), 'ann', 'accept');
    const { message } = await lane.until(ref, 'accepted');
    expect(message).not.toContain('Not done');
    for (const place of ['near', 'auto', 'far'] as const) {
      expect(await dataOf(place, name)).toEqual(WILD);
    }
    expect(await promotionOf('asked', name, 2)).toMatchObject({ kind: 'promotion' });
    expect(await dataOf('asked', name)).toEqual(CALM);
  }, 60_000);

  it('is asked anew when what it would change below has changed', async () => {
    const name = 'moved-below';
    const { ref, units } = await chain(name, ['home', 'near', 'auto']);
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    await stage.rewrite(await present(units.auto), { mode: 'calm', level: '2' });
    await lane.decide(question, 'ann', 'accept');
    const next = await lane.question(ref, question);
    expect(next.digest).not.toBe(question.digest);
    expect(await dataOf('near', name)).toEqual(CALM);
    await lane.decide(next, 'ann', 'accept');
    await lane.until(ref, 'accepted');
    expect(await dataOf('auto', name)).toEqual({ mode: 'wild', level: '2' });
  }, 60_000);

  it('stands as far as it came when a level cannot be applied, and says what is left', async () => {
    const name = 'broken-below';
    const { ref, units } = await chain(name, ['home', 'near', 'auto', 'far']);
    // Asked once near is reached, whatever becomes of its other clone.
    await stage.clone(units.near, 'asked');
    // The API server refuses such a key.
    await stage.rewrite(units.auto, { mode: 'calm', 'no key!': '2' });
    await lane.edit(ref, 'wild');
    await lane.decide(await lane.question(ref), 'ann', 'accept');
    const { message } = await lane.until(ref, 'accepted');
    const left = `Left as they are: ${stage.space('far').slug}/${name}.`;
    expect(message).toMatch(/^Accepted broken-below .* Not done: /);
    expect(message?.endsWith(left)).toBe(true);
    expect(await dataOf('home', name)).toEqual(WILD);
    expect(await dataOf('near', name)).toEqual(WILD);
    expect((await present(units.near)).headRevision).toBe(2);
    expect((await present(units.auto)).lastChangeDescription).toBe(
      `Restored ${name} to revision 2`,
    );
    expect(await stage.hub.readData(units.auto)).toContain('"calm"');
    expect((await present(units.far)).headRevision).toBe(1);
    expect(await promotionOf('asked', name, 2)).toMatchObject({ kind: 'promotion' });
  }, 60_000);
});

describe('a promotion by command', () => {
  it('goes on to the next level once a fix would have started the same one', async () => {
    const name = 'joined';
    const { units } = await chain(name, ['base', 'home', 'asked', 'far']);
    await stage.rewrite(units.home, WILD);
    const [from, to] = [stage.space('home').slug, stage.space('asked').slug];
    await door.promote({ from, to, unit: name }, 'ann');
    const question = await promotionOf('asked', name, 2);
    // What a fix has brought as far as home is handed over from there: of that revision, too.
    const { client } = lane.parts.temporal;
    await client.workflow.execute('promote', {
      ...{ workflowId: `promotion-of-${name}`, taskQueue: lane.parts.config.temporal.taskQueue },
      args: [
        {
          ...{ unit: toUnitRef(units.home), upstream: toUnitRef(units.base), environment: from },
          ...{ upstreamRevision: 1, promotionId: name },
        },
      ],
    });
    expect(await dataOf('far', name)).toEqual(CALM);
    await lane.decide(question, 'bob', 'approve');
    await ended(question);
    await followed('far', name);
  }, 60_000);

  it('goes on to the next level where it supersedes the promotion of a fix', async () => {
    const name = 'overtaken';
    const { ref, units } = await chain(name, ['home', 'asked', 'far']);
    await lane.edit(ref, 'wild');
    await lane.decide(await lane.question(ref), 'ann', 'accept');
    await lane.until(ref, 'accepted');
    const older = await promotionOf('asked', name, 2);
    await stage.rewrite(await present(units.home), { mode: 'wilder' });
    const scope = { from: stage.space('home').slug, to: stage.space('asked').slug, unit: name };
    await door.promote(scope, 'ann');
    const newer = await promotionOf('asked', name, 3);
    expect(await ended(older)).toMatchObject({ outcome: 'resolved' });
    await lane.decide(newer, 'bob', 'approve');
    await ended(newer);
    await followed('far', name, { mode: 'wilder' });
  }, 60_000);
});

describe('a promotion that waits', () => {
  it('is planned and asked about anew when its unit moved after the approval', async () => {
    const name = 'moved-unit';
    const { units } = await chain(name, ['home', 'asked']);
    await stage.rewrite(units.home, WILD);
    const [from, to] = [stage.space('home').slug, stage.space('asked').slug];
    await door.promote({ from, to, unit: name }, 'ann');
    const question = await promotionOf('asked', name, 2);
    beforeUpgrade.set(name, async () => {
      await stage.rewrite(await present(units.asked), { mode: 'calm', level: '2' });
    });
    await lane.decide(question, 'bob', 'approve');
    const next = await eventually(
      async () => {
        const open = await lane.parts.store.questions.list({ status: 'open', limit: 100 });
        const { workflowId, id } = question;
        return open.find((one) => one.workflowId === workflowId && one.id !== id);
      },
      { timeoutMs: 30_000, what: 'a question about the unit as it is now' },
    );
    expect(next.digest).not.toBe(question.digest);
    expect(await dataOf('asked', name)).toEqual(CALM);
    await lane.decide(next, 'bob', 'approve');
    expect(await ended(next)).toMatchObject({ outcome: 'fixed' });
    expect(await dataOf('asked', name)).toEqual({ mode: 'wild', level: '2' });
  }, 60_000);

  it('ends when its unit is gone: there is nothing left to promote', async () => {
    const name = 'gone-unit';
    const { units } = await chain(name, ['home', 'asked']);
    await stage.rewrite(units.home, WILD);
    const [from, to] = [stage.space('home').slug, stage.space('asked').slug];
    await door.promote({ from, to, unit: name }, 'ann');
    const question = await promotionOf('asked', name, 2);
    await stage.hub.deleteUnit(await present(units.asked));
    await lane.decide(question, 'bob', 'approve');
    expect(await ended(question)).toMatchObject({ outcome: 'failed' });
    const open = await lane.parts.store.questions.list({ status: 'open', limit: 100 });
    expect(open.filter((one) => one.workflowId === question.workflowId)).toEqual([]);
  }, 60_000);
});

/** One ConfigMap, cloned from each place to the next. */
async function chain<P extends Place>(
  name: string,
  [first, ...others]: readonly [P, ...P[]],
): Promise<{ readonly ref: ResourceRef; readonly units: Readonly<Record<P, Unit>> }> {
  let last = await stage.install(first, name, CALM);
  const units: [P, Unit][] = [[first, last]];
  for (const place of others) {
    last = await stage.clone(last, place);
    units.push([place, last]);
  }
  const ref = stage.refOf(first, name);
  return { ref, units: Object.fromEntries(units) as Record<P, Unit> };
}

async function promotionOf(place: Place, name: string, revision: number): Promise<Question> {
  const workflowId = promotionWorkflowId(stage.space(place).slug, name, revision);
  return eventually(
    async () => {
      const open = await lane.parts.store.questions.list({ status: 'open', limit: 100 });
      return open.find((one) => one.workflowId === workflowId);
    },
    { timeoutMs: 30_000, what: `a question about ${name} in ${place}` },
  );
}

function ended({ workflowId }: Question): Promise<unknown> {
  return lane.parts.temporal.client.workflow.getHandle(workflowId).result();
}

async function followed(place: Place, name: string, data: object = WILD): Promise<void> {
  await eventually(async () => expect(await dataOf(place, name)).toEqual(data) ?? true, {
    timeoutMs: 30_000,
    what: `${name} of ${place} to follow`,
  });
}

async function dataOf(place: Place, name: string): Promise<unknown> {
  return (await stage.admin.get(stage.refOf(place, name)))?.['data'];
}

function present({ spaceId, unitId }: Unit): Promise<Unit> {
  return stage.hub.getUnit(spaceId, unitId);
}
