import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Space } from '../clients/confighub/index.ts';
import { equals } from '../clients/confighub/where.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { eventually } from '../testing/eventually.ts';

describe('everything beside units', () => {
  let server: TestConfighub;
  let space: Space;

  beforeAll(async () => {
    server = await startTestConfighub();
    space = await server.hub.createSpace({ slug: 'prod', labels: { environment: 'prod' } });
  });
  afterAll(() => server.close());

  it('tells who asks and refuses strangers with a StandardErrorResponse', async () => {
    expect(await server.hub.me()).toMatchObject({ username: 'tester' });
    expect(await server.hub.info()).toEqual({ dialect: 'bridge' });
    const refused = await server.call('GET', '/space', undefined, {
      authorization: 'Bearer wrong',
    });
    expect(refused).toMatchObject({
      status: 401,
      body: { Code: '401', Message: expect.any(String) },
    });
    expect(refused.headers.get('x-request-id')).toBeTruthy();
    const reader = { authorization: 'Bearer reader-token' };
    expect((await server.call('GET', '/space', undefined, reader)).status).toBe(200);
    expect((await server.call('POST', '/space', { Slug: 'x' }, reader)).status).toBe(403);
  });

  it('serves the same under /api/v1', async () => {
    expect((await server.call('GET', '/v1/me')).body).toMatchObject({ Username: 'tester' });
  });

  it('takes the bodies of the official CLI: zero ids, zero times, nulls', async () => {
    const zero = '00000000-0000-0000-0000-000000000000';
    const body = {
      Slug: 'from-cub',
      SpaceID: zero,
      OrganizationID: zero,
      UnitID: zero,
      CreatedAt: '0001-01-01T00:00:00Z',
      MutationSources: null,
      ApprovedBy: null,
      TargetID: null,
      ToolchainType: 'Kubernetes/YAML',
      Data: '',
    };
    const made = await server.call('POST', `/space/${space.spaceId}/unit`, body, {
      'user-agent': 'cub',
    });
    expect(made).toMatchObject({
      status: 200,
      body: { SpaceID: space.spaceId, MutationSources: [], HeadRevisionNum: 1 },
    });
    const again = await server.call('POST', `/space/${space.spaceId}/unit`, body, {
      'user-agent': 'cub',
    });
    expect(again).toMatchObject({
      status: 400,
      body: { Message: expect.stringContaining('exists already') },
    });
    expect((await server.call('POST', `/space/${space.spaceId}/unit`, body)).status).toBe(409);
  });

  it('keeps filters and narrows lists and bulk calls by them', async () => {
    const { hub } = server;
    await hub.createUnit(space.spaceId, {
      slug: 'a',
      data: 'a: 1\n',
      labels: { tier: 'critical' },
    });
    await hub.createUnit(space.spaceId, { slug: 'b', data: 'b: 1\n' });
    const filter = await hub.createFilter(space.spaceId, {
      slug: 'critical-services',
      from: 'Unit',
      where: `Labels.tier = 'critical'`,
    });
    expect(filter).toMatchObject({ spaceSlug: 'prod', from: 'Unit' });
    expect((await hub.listUnits({ filter: filter.filterId })).map((one) => one.slug)).toEqual([
      'a',
    ]);
    expect(await hub.listFilters()).toEqual([filter]);
    await expect(
      hub.createFilter(space.spaceId, { slug: 'bad', from: 'Unit', where: 'Kind = 1' }),
    ).rejects.toMatchObject({ code: 'CONFIGHUB_REFUSED' });
    const wrongType = await server.call('GET', `/space?filter=${filter.filterId}`);
    expect(wrongType).toMatchObject({ status: 400 });
  });

  it('keeps sets, with one set for each unit', async () => {
    const { hub } = server;
    const set = await hub.createSet(space.spaceId, { slug: 'critical-drifts' });
    const unit = await hub.createUnit(space.spaceId, { slug: 'member', data: '' });
    expect((await hub.patchUnit(unit, { setId: set.setId })).setId).toBe(set.setId);
    expect(
      (await hub.listUnits({ where: equals('SetID', set.setId) })).map((one) => one.slug),
    ).toEqual(['member']);
    expect((await hub.listUnits({ where: equals('Set.Slug', 'critical-drifts') })).length).toBe(1);
  });

  it('ties a change set to a filter and to the tags of revisions', async () => {
    const { hub } = server;
    const unit = await hub.createUnit(space.spaceId, { slug: 'tagged', data: 'a: 1\n' });
    const tag = await hub.createTag(space.spaceId, { slug: 'fix-1' });
    await hub.tagUnits(equals('UnitID', unit.unitId), {
      tagId: tag.tagId,
      revision: 'HeadRevisionNum',
    });
    const changeSet = await hub.createChangeSet(space.spaceId, {
      slug: 'fix-1',
      description: 'Fixed a',
      startTagId: tag.tagId,
      endTagId: tag.tagId,
    });
    expect(await hub.findChangeSet(space.spaceId, 'fix-1')).toEqual(changeSet);
    expect(await hub.findTag(space.spaceId, 'fix-1')).toEqual(tag);
    expect((await hub.listRevisions(unit))[0]?.tagIds).toEqual([tag.tagId]);
    await expect(
      hub.tagUnits(equals('UnitID', unit.unitId), {
        tagId: tag.tagId,
        revision: 'LiveRevisionNum',
      }),
    ).rejects.toMatchObject({ code: 'CONFIGHUB_REFUSED' });
  });

  it('guards PUT by Version and merges PATCH', async () => {
    const created = await server.call('POST', `/space/${space.spaceId}/tag`, {
      Slug: 't',
      Labels: { a: '1', b: '2' },
    });
    const tag = created.body as { TagID: string; Version: number };
    const path = `/space/${space.spaceId}/tag/${tag.TagID}`;
    expect((await server.call('PUT', path, { Slug: 't' })).status).toBe(409);
    expect((await server.call('PUT', path, { Slug: 't', Version: 9 })).status).toBe(409);
    const patched = await server.call('PATCH', path, { Labels: { a: null, c: '3' } });
    expect(patched.body).toMatchObject({ Labels: { b: '2', c: '3' }, Version: 2 });
    expect((await server.call('DELETE', path)).body).toHaveProperty('Message');
    expect((await server.call('GET', path)).status).toBe(404);
  });

  it('applies without a cluster: events, live numbers, live state', async () => {
    const { hub } = server;
    const unit = await hub.createUnit(space.spaceId, { slug: 'applied', data: 'a: 1\n' });
    const { operationId } = await hub.applyUnit(unit);
    const closing = await hub.waitForOperation(unit, operationId, { timeoutMs: 5_000 });
    expect(closing).toMatchObject({ status: 'Completed', result: 'ApplyCompleted', revision: 1 });
    const events = await hub.listUnitEvents(unit, operationId);
    expect(events.map((event) => event.status)).toEqual(['Pending', 'Progressing', 'Completed']);
    expect(await hub.getUnit(unit.spaceId, unit.unitId)).toMatchObject({
      lastAppliedRevision: 1,
      liveRevision: 1,
    });
    expect(await hub.liveState(unit)).toBe('a: 1\n');
    expect((await hub.listRevisions(unit))[0]?.liveAt).toBeDefined();
  });

  it('fails an apply that cannot even begin, instead of leaving it queued', async () => {
    const { hub } = server;
    const unit = await hub.createUnit(space.spaceId, { slug: 'no-revision', data: 'a: 1\n' });
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: server.databaseUrl });
    await client.connect();
    await client.query('DELETE FROM revisions WHERE unit_id = $1', [unit.unitId]);
    await client.end();
    const { operationId } = await hub.applyUnit(unit);
    await expect(
      hub.waitForOperation(unit, operationId, { timeoutMs: 5_000 }),
    ).rejects.toMatchObject({ code: 'APPLY_FAILED', message: 'revision 1 is gone' });
  });

  it('holds an apply behind the approval gate until somebody approves, and anew after each change', async () => {
    const { hub } = server;
    const gated = await hub.createSpace({ slug: 'gated', labels: { 'apply-gate': 'approval' } });
    const unit = await hub.createUnit(gated.spaceId, { slug: 'a', data: 'a: 1\n' });
    expect(unit.applyGates).toEqual(['require-approval/is-approved']);
    await expect(hub.applyUnit(unit)).rejects.toMatchObject({ code: 'CONFIGHUB_REFUSED' });
    expect(await hub.applyUnits(equals('UnitID', unit.unitId))).toMatchObject([{ ok: false }]);
    await hub.approveUnit(unit);
    const approved = await hub.getUnit(unit.spaceId, unit.unitId);
    expect(approved).toMatchObject({ applyGates: [], approvedBy: [expect.any(String)] });
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: 5_000 });
    const present = await hub.getUnit(unit.spaceId, unit.unitId);
    expect((await hub.writeData(present, 'a: 2\n')).applyGates).toHaveLength(1);
  });

  it('takes up an action that a killed server left open', async () => {
    const { hub } = server;
    const unit = await hub.createUnit(space.spaceId, { slug: 'left-open', data: 'a: 1\n' });
    const other = await startTestConfighub({ databaseUrl: server.databaseUrl });
    await other.close();
    // What a server leaves that was killed after the request had committed.
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: server.databaseUrl });
    await client.connect();
    await client.query(
      `INSERT INTO operations (operation_id, unit_id, space_id, organization_id, target_id, action, revision_num, status)
       SELECT gen_random_uuid(), unit_id, space_id, organization_id, target_id, 'Apply', 1, 'Progressing' FROM units WHERE unit_id = $1`,
      [unit.unitId],
    );
    await client.end();
    const restarted = await startTestConfighub({ databaseUrl: server.databaseUrl });
    try {
      await eventually(
        async () => (await hub.getUnit(unit.spaceId, unit.unitId)).liveRevision === 1,
        {
          what: 'the apply of the former server',
        },
      );
    } finally {
      await restarted.close();
    }
  });
});
