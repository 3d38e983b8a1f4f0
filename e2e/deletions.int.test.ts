import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Unit } from '../clients/confighub/index.ts';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { type CrashStage, openCrashStage, type Place } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { createCommandDoor } from '../workers/command-door.ts';

// An apply deletes what an earlier one wrote and the unit does not declare any more. Nobody finds that out afterwards.

const ALONE = ['ConfigMap'] as const;
const BOTH = ['ConfigMap', 'extra'] as const;
const WITH_SECRET = ['ConfigMap', 'Secret'] as const;
type Objects = typeof ALONE | typeof BOTH | typeof WITH_SECRET;

let stage: CrashStage;
let lane: DriftLane;
let door: ReturnType<typeof createCommandDoor>;

describe.each(['bridge', 'release'] as const)('what an apply deletes, %s dialect', (dialect) => {
  beforeAll(async () => {
    stage = await openCrashStage(undefined, dialect);
    lane = await openDriftLane(stage, `deletions-${dialect}`, {
      rules: { auto: { upgrade: 'with-fix' } },
      // A fix that would apply a desired change, too, is not held back first.
      guards: { holdMs: 0 },
    });
    door = createCommandDoor(lane.parts.temporal, lane.parts.store, lane.parts.config.temporal);
  }, 120_000);

  afterAll(async () => {
    await lane?.stop();
    await stage?.close();
  });

  it('is named where the fix of a drift applies a newer head', async () => {
    const { unit, ref } = await install('auto', 'dropped', BOTH);
    await rewrite(unit, ALONE);
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    expect(question.summary).toContain(`reverting also deletes ConfigMap/${extraOf(ref)}`);
    expect(deletedBy(question)).toEqual([`ConfigMap/${extraOf(ref)}`]);
    expect(await isThere(ref, 'extra')).toBe(true);
    await lane.decide(question, 'ann', 'approve');
    await lane.until(ref, 'fixed');
    expect(await isThere(ref, 'extra')).toBe(false);
  }, 60_000);

  it('is nothing where the object is gone already', async () => {
    const { unit, ref } = await install('auto', 'gone', BOTH);
    await rewrite(unit, ALONE);
    await stage.admin.delete({ ...ref, name: 'gone-extra' });
    await lane.edit(ref, 'wild');
    expect(deletedBy(await lane.question(ref))).toEqual([]);
  }, 60_000);

  it('is asked about where the fix of a drift upgrades', async () => {
    const base = await createUnit('base', 'upgraded', BOTH);
    await stage.clone(base, 'auto');
    await rewrite(base, ALONE);
    const ref = stage.refOf('auto', 'upgraded');
    await lane.edit(ref, 'wild');
    const question = await lane.question(ref);
    expect(deletedBy(question)).toEqual([`ConfigMap/${extraOf(ref)}`]);
    expect(await isThere(ref, 'extra')).toBe(true);
  }, 60_000);

  it('is asked about where a rollback takes back what added the object', async () => {
    const base = await createUnit('base', 'added', ALONE);
    const unit = await stage.clone(base, 'auto');
    await rewrite(base, BOTH);
    const ref = stage.refOf('auto', 'added');
    await lane.edit(ref, 'wild');
    await lane.until(ref, 'fixed');
    expect(await isThere(ref, 'extra')).toBe(true);

    const name = await changeSetOf(unit);
    const { units } = await door.previewRollback(name);
    expect(units).toMatchObject([{ outcome: 'ask' }]);
    const { runId } = await door.rollback(name, 'ann');
    const question = await openQuestion(`${runId}-1`);
    expect(question.summary).toContain(`; this deletes ConfigMap/${extraOf(ref)}`);
    expect(deletedBy(question)).toEqual([`ConfigMap/${extraOf(ref)}`]);
    expect(await isThere(ref, 'extra')).toBe(true);
    await lane.decide(question, 'bob', 'approve');
    await eventually(async () => !(await isThere(ref, 'extra')), {
      what: 'the added object to be deleted',
    });
  }, 60_000);

  it('goes through by itself in a promotion', async () => {
    const { home, ref } = await cloned('promoted', BOTH);
    await rewrite(home, ALONE);
    await promote('promoted');
    await eventually(async () => !(await isThere(ref, 'extra')), {
      what: 'the dropped ConfigMap to be deleted',
    });
  }, 60_000);

  it('is asked about in a promotion where it holds data', async () => {
    const { home, ref } = await cloned('keys', WITH_SECRET);
    await rewrite(home, ALONE);
    await promote('keys');
    const question = await eventually(
      async () => {
        const open = await lane.parts.store.questions.list({ status: 'open', limit: 100 });
        return open.find((one) => one.unit === `${stage.space('near').slug}/keys`);
      },
      { timeoutMs: 30_000, what: 'a question about the promotion' },
    );
    expect(deletedBy(question)).toEqual([`Secret/${extraOf(ref)}`]);
    expect(await isThere(ref, 'Secret')).toBe(true);
  }, 60_000);
});

/** In `home` and, by a clone that follows by itself, in `near`. */
async function cloned(name: string, objects: Objects) {
  const home = await createUnit('home', name, objects, true);
  await stage.clone(home, 'near');
  return { home, ref: stage.refOf('near', name) };
}

async function promote(unit: string): Promise<void> {
  await door.promote({ from: stage.space('home').slug, to: stage.space('near').slug, unit }, 'ann');
}

/** `namespace/name` of the object that comes and goes. */
function extraOf({ namespace, name }: ResourceRef): string {
  return `${namespace}/${name}-extra`;
}

function deletedBy({ plans }: Question): readonly string[] {
  const [plan] = plans.filter((one) => one.fix === 'revert');
  return (plan?.reach ?? []).filter((one) => one.isDeleted).map((one) => one.resource);
}

async function isThere(ref: ResourceRef, kind: 'extra' | 'Secret'): Promise<boolean> {
  const extra = { ...ref, name: `${ref.name}-extra` };
  return (await stage.admin.get(kind === 'extra' ? extra : { ...extra, kind })) !== undefined;
}

async function install(place: Place, name: string, objects: Objects) {
  const unit = await createUnit(place, name, objects, true);
  return { unit, ref: stage.refOf(place, name) };
}

async function createUnit(
  place: Place,
  slug: string,
  objects: Objects,
  isApplied = false,
): Promise<Unit> {
  const { spaceId } = stage.space(place);
  const [target] = await stage.hub.listTargets(spaceId);
  const unit = await stage.hub.createUnit(spaceId, {
    ...{ slug, data: manifest(slug, objects) },
    ...(target && { targetId: target.targetId }),
  });
  if (!isApplied) return unit;
  const { operationId } = await stage.hub.applyUnit(unit);
  await stage.hub.waitForOperation(unit, operationId, { timeoutMs: 60_000 });
  return present(unit);
}

async function rewrite(unit: Unit, objects: Objects): Promise<void> {
  await stage.hub.writeData(await present(unit), manifest(unit.slug, objects));
}

function manifest(name: string, objects: Objects): string {
  const documents = objects.map((one) => {
    if (one === 'Secret') {
      return `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}-extra\nstringData:\n  key: x\n`;
    }
    const suffix = one === 'extra' ? '-extra' : '';
    return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}${suffix}\ndata:\n  mode: calm\n`;
  });
  return documents.join('---\n');
}

function present({ spaceId, unitId }: Unit): Promise<Unit> {
  return stage.hub.getUnit(spaceId, unitId);
}

async function changeSetOf(unit: Unit): Promise<string> {
  const { lastChangeDescription, spaceSlug, spaceId } = await present(unit);
  const found = (await stage.hub.listChangeSets(spaceId)).find(
    (one) => one.description === lastChangeDescription,
  );
  return `${spaceSlug}/${found?.slug}`;
}

function openQuestion(id: string): Promise<Question> {
  return eventually(() => lane.parts.store.questions.find(id), {
    timeoutMs: 30_000,
    what: `question ${id}`,
  });
}
