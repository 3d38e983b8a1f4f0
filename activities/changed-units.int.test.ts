import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Space, Unit } from '../clients/confighub/index.ts';
import { equals } from '../clients/confighub/where.ts';
import { rollbackDescription } from '../drift/decide/rollback.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { ensureChangeSet, exactly, markStart } from './change-sets.ts';
import { changedUnits, findChangeSet } from './changed-units.ts';
import type { ActivityDeps } from './deps.ts';

const before = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {mode: calm}\n';
const after = before.replace('calm', 'wild');

describe.each(['bridge', 'release'] as const)('a change set of a %s server', (dialect) => {
  let server: TestConfighub;
  let home: Space;
  let next: Space;
  let deps: ActivityDeps;

  beforeAll(async () => {
    server = await startTestConfighub({ dialect });
    home = await server.hub.createSpace({ slug: 'home' });
    next = await server.hub.createSpace({ slug: 'next' });
    // Of the environments only the names of their spaces are read here.
    const environments = new Map(
      ['home', 'next'].map((name) => [name, { config: { name, source: { space: name } } }]),
    );
    deps = { hub: server.hub, environments } as unknown as ActivityDeps;
  });
  afterAll(() => server.close());

  it('is told by the tags of Realign, over all levels, what is downstream first', async () => {
    const { hub } = server;
    const unit = await hub.createUnit(home.spaceId, { slug: 'levels', data: before });
    const clone = await hub.cloneUnit(next.spaceId, {
      ...{ slug: 'levels', upstreamSpaceId: home.spaceId, upstreamUnitId: unit.unitId },
    });
    const changeSet = await open('levels', unit);
    const written = await write(unit, changeSet);
    await markStart(hub, clone, changeSet, 'HeadRevisionNum');
    await hub.upgradeUnits(exactly(clone), { changeDescription: 'Accepted' });
    await end(clone, changeSet);

    const found = await look('home/levels');
    expect(found).toMatchObject([
      { environment: 'next', state: 'changed', before: clone.headRevision, beforeData: before },
      { environment: 'home', state: 'changed', before: unit.headRevision, headData: after },
    ]);
    expect(await look('levels')).toHaveLength(2);

    const description = rollbackDescription({ space: 'home', slug: 'levels' });
    await hub.restoreUnit(written, unit.headRevision, { changeDescription: description });
    expect((await look('home/levels')).map((one) => one.state)).toEqual(['changed', 'rolled-back']);
  });

  it('does not count where the unit has moved on, was put back, or was only applied', async () => {
    const { hub } = server;
    const unit = await hub.createUnit(home.spaceId, { slug: 'moved', data: before });
    const changeSet = await open('moved', unit);
    const written = await write(unit, changeSet);
    const later = await hub.writeData(written, after.replace('wild', 'other'), {
      changeDescription: 'By somebody',
    });
    expect(await look('home/moved')).toMatchObject([
      {
        state: 'stuck',
        because: expect.stringContaining(
          `moved on to revision ${later.headRevision} (By somebody)`,
        ),
      },
    ]);
    const back = await hub.writeData(later, after);
    expect(await look('home/moved')).toMatchObject([
      { state: 'changed', before: unit.headRevision },
    ]);
    await hub.writeData(back, before);
    expect(await look('home/moved')).toMatchObject([{ state: 'same' }]);

    const applied = await hub.createUnit(home.spaceId, { slug: 'applied', data: before });
    const idle = await open('applied', applied);
    await end(applied, idle);
    expect(await look('home/applied')).toMatchObject([{ state: 'applied-only' }]);
  });

  it('is known by its description where nothing was tagged before, and stuck without a cluster', async () => {
    const { hub } = server;
    const old = await hub.createUnit(home.spaceId, { slug: 'old', data: before });
    const changeSet = await open('old', old, 'Fixed old');
    const written = await hub.writeData(old, after, { changeDescription: 'Fixed old' });
    await end(written, changeSet);
    expect(await look('home/old')).toMatchObject([{ state: 'changed', before: old.headRevision }]);

    const base = await hub.createSpace({ slug: 'base' });
    const unit = await hub.createUnit(base.spaceId, { slug: 'base', data: before });
    await write(unit, await open('base', unit));
    expect(await look('base/base')).toMatchObject([
      { state: 'stuck', because: expect.stringContaining('feeds no environment') },
    ]);
    await hub.createChangeSet(next.spaceId, { slug: 'old' });
    await expect(look('old')).rejects.toMatchObject({ code: 'AMBIGUOUS' });
  });

  it('is told by the tags that the server gives a change set which units enter and leave', async () => {
    if (dialect === 'bridge') {
      // Here a change set is a description; tags are the client's.
      expect((await findChangeSet(server.hub, 'home/old')).entity.endTagId).toBeDefined();
      return;
    }
    const { hub, call } = server;
    const unit = await hub.createUnit(home.spaceId, { slug: 'foreign', data: before });
    const { changeSetId } = await hub.createChangeSet(home.spaceId, { slug: 'foreign' });
    const enter = (id: string | null) =>
      call('PATCH', `/space/${unit.spaceId}/unit/${unit.unitId}`, { ChangeSetID: id });
    expect((await enter(changeSetId)).status).toBe(200);
    const entered = await hub.getUnit(unit.spaceId, unit.unitId);
    await hub.writeData(entered, after, { changeSetId });
    expect((await enter(null)).status).toBe(200);
    const [found] = await look('home/foreign');
    expect(found).toMatchObject({ state: 'changed', beforeData: before, headData: after });
  });

  function open(slug: string, { spaceId, unitId }: Unit, description = 'Accepted live values') {
    const { expression: where } = equals('UnitID', unitId);
    return server.hub
      .createFilter(spaceId, { slug, from: 'Unit', where })
      .then(({ filterId }) =>
        ensureChangeSet(server.hub, spaceId, { slug, displayName: slug, description, filterId }),
      );
  }

  async function write(unit: Unit, changeSet: Awaited<ReturnType<typeof open>>): Promise<Unit> {
    await markStart(server.hub, unit, changeSet, 'HeadRevisionNum');
    const written = await server.hub.writeData(unit, after, { changeDescription: 'Accepted' });
    await end(written, changeSet);
    return server.hub.getUnit(unit.spaceId, unit.unitId);
  }

  function end(unit: Unit, { tagId }: { readonly tagId: string }): Promise<void> {
    return server.hub.tagUnits(exactly(unit), { tagId, revision: 'HeadRevisionNum' });
  }

  async function look(name: string) {
    const { entity, ...changeSet } = await findChangeSet(server.hub, name);
    return changedUnits(deps, entity, changeSet);
  }
});
