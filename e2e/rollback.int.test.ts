import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureChangeSet, exactly, markStart } from '../activities/change-sets.ts';
import type { Unit } from '../clients/confighub/index.ts';
import { equals } from '../clients/confighub/where.ts';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { rollbackWorkflowId } from '../lib/workflow-id.ts';
import { type CrashStage, openCrashStage, type Place } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { keepHistory } from '../testing/keep-history.ts';
import { createCommandDoor } from '../workers/command-door.ts';

const CALM = { mode: 'calm' };
const NEXT = { mode: 'calm', level: '2' };

let stage: CrashStage;
let lane: DriftLane;
let door: ReturnType<typeof createCommandDoor>;

describe.each(['bridge', 'release'] as const)('a rollback, %s dialect', (dialect) => {
  /** Revisions that opening a unit's change set makes. */
  const opening = dialect === 'release' ? 1 : 0;

  beforeAll(async () => {
    stage = await openCrashStage(undefined, dialect);
    const rules = { auto: { upgrade: 'with-fix' } } as const;
    lane = await openDriftLane(stage, `rollback-${dialect}`, { rules });
    door = createCommandDoor(lane.parts.temporal, lane.parts.store, lane.parts.config.temporal);
  }, 120_000);

  afterAll(async () => {
    await lane?.stop();
    await stage?.close();
  });

  it('gives a unit its previous revision again, live too, and is on record', async () => {
    const { unit, ref } = await fixedWithUpgrade('plain');
    expect(await dataOf(ref)).toEqual(NEXT);
    const name = await changeSetOf(unit);
    const { units } = await door.previewRollback(name);
    expect(units).toMatchObject([
      { environment: ref.environment, outcome: 'auto', plan: { steps: [{ kind: 'restore' }, {}] } },
    ]);
    expect((await present(unit)).headRevision).toBe(2);

    const { runId } = await door.rollback(name, 'ann');
    const run = await ended(runId);
    expect(run).toMatchObject({ kind: 'rollback', status: 'completed', requestedBy: 'ann' });
    expect(await dataOf(ref)).toEqual(CALM);
    const after = await present(unit);
    expect(after).toMatchObject({
      headRevision: 3,
      lastAppliedRevision: 3,
      lastChangeDescription: `Rolled back change set ${name}`,
    });
    // ConfigHub goes on counting it as upgraded (docs/confighub.md).
    expect(after.upstream?.revision).toBe(after.upstream?.headRevision);
    const steps = await lane.parts.store.episodes.listSteps(runId);
    const done = steps.filter((one) => one.status === 'done').map((one) => one.step);
    expect(done).toEqual(
      expect.arrayContaining(['planRollback', 'openChangeSet', 'rollBackUnit', 'applyUnit']),
    );
    expect(await lane.parts.store.commandRuns.listResults(runId)).toMatchObject([
      { unit: nameOf(unit), result: 'restored', reason: 'restored and applied' },
    ]);

    // Among the operations it is one, with what was done to the unit.
    const operations = await operationsOf(runId);
    expect(operations).toMatchObject([
      { type: 'rollback', status: 'done', units: [nameOf(unit)], description: expect.any(String) },
    ]);
    const written = await lane.parts.store.operations.steps(operations[0]?.operationId ?? '');
    expect(written).toMatchObject([
      { kind: 'rollback', status: 'done', unit: unit.slug, revision: 3 },
      { kind: 'apply', status: 'done', unit: unit.slug, revision: 3 },
    ]);
    expect(written[0]?.description).toBe(`Rolled back change set ${name}`);

    await expect(door.rollback(name, 'ann')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('is rolled back already'),
    });
    // The rollback is a change set, too: taking it back brings the newer data again.
    const again = await door.rollback(await changeSetOf(unit), 'ann');
    expect(await ended(again.runId)).toMatchObject({ status: 'completed' });
    expect(await dataOf(ref)).toEqual(NEXT);
  }, 60_000);

  it('is refused where a unit has moved on, and names it', async () => {
    const { unit } = await fixedWithUpgrade('moved');
    const name = await changeSetOf(unit);
    await stage.rewrite(await present(unit), { mode: 'calm', level: '3' });
    await expect(door.rollback(name, 'ann')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(new RegExp(`unit ${nameOf(unit)} has moved on to revision 3`)),
    });
    expect((await present(unit)).headRevision).toBe(3);
  }, 60_000);

  it('of a fix that only applied says that there is nothing to return to', async () => {
    const unit = await stage.install('auto', 'applied-only', CALM);
    const ref = stage.refOf('auto', 'applied-only');
    await lane.edit(ref, 'wild');
    await lane.until(ref, 'fixed');
    await expect(door.rollback(await changeSetOf(unit), 'ann')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`was only applied, revision ${1 + opening}`),
    });
    await expect(door.rollback('nowhere/nothing', 'ann')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  }, 60_000);

  it('asks where the policy asks, not whoever wants it, and covers every level', async () => {
    const home = await stage.install('home', 'levels', CALM);
    const near = await stage.clone(home, 'near');
    const [homeRef, nearRef] = [stage.refOf('home', 'levels'), stage.refOf('near', 'levels')];
    await lane.edit(homeRef, 'wild');
    await lane.decide(await lane.question(homeRef), 'ann', 'accept');
    await lane.until(homeRef, 'accepted');
    expect([await dataOf(homeRef), await dataOf(nearRef)]).toEqual([
      { mode: 'wild' },
      { mode: 'wild' },
    ]);

    const name = await changeSetOf(home);
    const { runId } = await door.rollback(name, 'ann');
    const question = await openQuestion(`${runId}-1`);
    expect(question).toMatchObject({ kind: 'rollback', environment: homeRef.environment });
    expect(await lane.parts.store.commandRuns.find(runId)).toMatchObject({ status: 'waiting' });
    await eventually(async () => (await present(home)).annotations['realign.dev/waiting-for'], {
      what: 'the unit to be marked as waiting',
    });
    await expect(door.rollback(name, 'bob')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`under way already: run ${runId}, by ann`),
    });
    expect(await lane.decide(question, 'ann', 'approve')).toBe('SELF_APPROVAL');
    expect(await dataOf(homeRef)).toEqual({ mode: 'wild' });
    expect(await lane.decide(question, 'bob', 'approve')).toBe('approve taken');
    expect(await ended(runId)).toMatchObject({ status: 'completed' });
    expect([await dataOf(homeRef), await dataOf(nearRef)]).toEqual([CALM, CALM]);
    expect((await present(home)).annotations).toEqual({});
    expect((await present(near)).headRevision).toBe(3);
    const [space = '', slug = ''] = name.split('/');
    if (dialect === 'bridge')
      await keepHistory(stage, lane, rollbackWorkflowId(space, slug), 'rollback');
  }, 60_000);

  it('that is rejected changes nothing', async () => {
    const home = await stage.install('home', 'unwanted', CALM);
    const ref = stage.refOf('home', 'unwanted');
    await lane.edit(ref, 'wild');
    await lane.decide(await lane.question(ref), 'ann', 'accept');
    await lane.until(ref, 'accepted');
    const { runId } = await door.rollback(await changeSetOf(home), 'ann');
    const question = await openQuestion(`${runId}-1`);
    // No self-approval, but a stop is always at hand.
    expect(await lane.decide(question, 'ann', 'reject')).toBe('reject taken');
    expect(await ended(runId)).toMatchObject({
      status: 'refused',
      message: expect.stringContaining('Rejected by ann'),
    });
    expect(await dataOf(ref)).toEqual({ mode: 'wild' });
    expect((await present(home)).headRevision).toBe(2 + opening);
  }, 60_000);

  it('that cannot be applied puts everything back, and can be tried again', async () => {
    // A change set that somebody else has tagged; what was before it is refused by the API server.
    const before = await stage.hub.createUnit(stage.space('auto').spaceId, {
      slug: 'broken',
      data: configMap('broken', "'no key!': x"),
      ...(await targetOf('auto')),
    });
    const { filterId } = await stage.hub.createFilter(before.spaceId, {
      slug: 'only-broken',
      from: 'Unit',
      where: equals('UnitID', before.unitId).expression,
    });
    const changeSet = await ensureChangeSet(stage.hub, before.spaceId, {
      ...{
        slug: 'by-hand',
        displayName: 'By hand',
        description: 'by hand',
        filterId,
        writes: true,
      },
    });
    await markStart(stage.hub, before, changeSet, 'HeadRevisionNum');
    const unit = await stage.hub.writeData(before, configMap('broken', 'mode: calm'));
    const { operationId } = await stage.hub.applyUnit(unit);
    await stage.hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
    const tag = { tagId: changeSet.tagId, revision: 'HeadRevisionNum' } as const;
    await stage.hub.tagUnits(exactly(unit), tag);

    const { runId } = await door.rollback('by-hand', 'ann');
    expect(await ended(runId)).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('Not rolled back'),
    });
    expect(await dataOf(stage.refOf('auto', 'broken'))).toEqual(CALM);
    const present = await stage.hub.getUnit(unit.spaceId, unit.unitId);
    expect(present).toMatchObject({ headRevision: 4 + opening, lastAppliedRevision: 4 + opening });
    expect(await stage.hub.readData(present)).toBe(configMap('broken', 'mode: calm'));
    expect((await door.previewRollback('by-hand')).units).toMatchObject([{ outcome: 'auto' }]);
    expect(await operationsOf(runId)).toMatchObject([{ type: 'rollback', status: 'failed' }]);
  }, 60_000);
});

/** A unit that was upgraded by the fix of its drift. */
async function fixedWithUpgrade(name: string): Promise<{ unit: Unit; ref: ResourceRef }> {
  const base = await stage.install('base', name, CALM);
  const unit = await stage.clone(base, 'auto');
  await stage.rewrite(base, NEXT);
  const ref = stage.refOf('auto', name);
  await lane.edit(ref, 'wild');
  await lane.until(ref, 'fixed');
  return { unit, ref };
}

/** `space/slug` of the newest change set that speaks of the unit. */
async function changeSetOf(unit: Unit): Promise<string> {
  const { lastChangeDescription, spaceSlug, spaceId } = await present(unit);
  const found = (await stage.hub.listChangeSets(spaceId))
    .filter((one) => one.description === lastChangeDescription)
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
  return `${spaceSlug}/${found[0]?.slug}`;
}

function present({ spaceId, unitId }: Unit): Promise<Unit> {
  return stage.hub.getUnit(spaceId, unitId);
}

async function dataOf(ref: ResourceRef): Promise<unknown> {
  return (await stage.admin.get(ref))?.['data'];
}

function ended(runId: string) {
  return eventually(
    async () => {
      const run = await lane.parts.store.commandRuns.find(runId);
      if (run?.endedAt === undefined) throw new Error(`it is ${run?.status}: ${run?.message}`);
      return run;
    },
    { timeoutMs: 30_000, what: `the end of run ${runId}` },
  );
}

async function operationsOf(episodeId: string) {
  const { items } = await lane.parts.store.operations.list({ limit: 100 });
  return items.filter((one) => one.episodeId === episodeId);
}

function openQuestion(id: string): Promise<Question> {
  return eventually(() => lane.parts.store.questions.find(id), {
    timeoutMs: 30_000,
    what: `question ${id}`,
  });
}

function nameOf({ spaceSlug, slug }: Unit): string {
  return `${spaceSlug}/${slug}`;
}

async function targetOf(place: Place): Promise<{ targetId?: string }> {
  const [target] = await stage.hub.listTargets(stage.space(place).spaceId);
  return target ? { targetId: target.targetId } : {};
}

function configMap(name: string, entry: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  ${entry}\n`;
}
