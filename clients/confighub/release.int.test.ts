import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConfighubSource } from '../../desired/confighub.ts';
import { createLog } from '../../lib/log.ts';
import {
  startTestConfighub,
  TEST_TOKEN,
  type TestConfighub,
} from '../../testing/confighub-server.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../../testing/fault-proxy.ts';
import { type ConfigHub, createConfighubClient, type Space, type Unit } from './index.ts';
import { allOf, equals, lessThanAttribute } from './where.ts';

const configMap = (name: string, values: Readonly<Record<string, string>>) =>
  [
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name} # kept\ndata:`,
    ...Object.entries(values).map(([key, value]) => `  ${key}: '${value}'`),
    '',
  ].join('\n');

describe('the client on a server of the release dialect', () => {
  let server: TestConfighub;
  let proxy: FaultProxy;
  let hub: ConfigHub;
  let base: Space;

  beforeAll(async () => {
    server = await startTestConfighub({ dialect: 'release' });
    proxy = await startFaultProxy(server.url);
    hub = createConfighubClient({ url: proxy.url, token: TEST_TOKEN, log: createLog('fatal') });
    base = await hub.createSpace({ slug: 'base' });
  });
  afterAll(async () => {
    await proxy.close();
    await server.close();
  });

  const release = async (unit: Pick<Unit, 'unitId' | 'spaceId'>) => {
    const { operationId } = await hub.applyUnit(unit);
    return hub.waitForOperation(unit, operationId, { timeoutMs: 10_000 });
  };

  it('knows the dialect by the version', async () => {
    expect(await hub.info()).toEqual({ dialect: 'release', version: expect.stringMatching(/^v0/) });
  });

  it('creates, reads, writes and restores data through its own endpoint', async () => {
    const unit = await hub.createUnit(base.spaceId, {
      slug: 'written',
      data: configMap('a', { x: '1' }),
      labels: { tier: 'critical' },
      changeDescription: 'first',
    });
    expect(unit).toMatchObject({
      spaceSlug: 'base',
      headRevision: 2,
      lastChangeDescription: 'first',
      dataHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await hub.readData(unit)).toBe(configMap('a', { x: '1' }));
    const changed = await hub.writeData(unit, configMap('a', { x: '2' }), {
      changeDescription: 'second',
    });
    expect(changed).toMatchObject({ headRevision: 3, lastChangeDescription: 'second' });
    await expect(hub.writeData(unit, 'stale: true\n')).rejects.toMatchObject({
      code: 'CONFIGHUB_CONFLICT',
    });
    expect(await hub.revisionData(unit.spaceId, unit.unitId, 2)).toBe(configMap('a', { x: '1' }));
    const restored = await hub.restoreUnit(changed, 2);
    expect(await hub.getUnit(restored.spaceId, restored.unitId)).toMatchObject({
      headRevision: 4,
      data: configMap('a', { x: '1' }),
    });
    expect((await hub.listRevisions(unit)).map((one) => one.revision)).toEqual([4, 3, 2, 1]);
    const [listed] = await hub.listUnits({ where: equals('Labels.tier', 'critical') });
    expect(listed?.data).toBe(configMap('a', { x: '1' }));
  });

  it('follows pages of a thousand', async () => {
    const many = await hub.createSpace({ slug: 'many' });
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: server.databaseUrl });
    await client.connect();
    await client.query(
      `INSERT INTO units (unit_id, space_id, organization_id, slug, toolchain_type, data, data_hash, content_hash)
       SELECT gen_random_uuid(), $1, organization_id, 'unit-' || n, 'Kubernetes/YAML', '', 'h', 0
       FROM spaces, generate_series(1, 2345) n WHERE space_id = $1`,
      [many.spaceId],
    );
    await client.end();
    proxy.inject();
    const units = await hub.listUnits({ space: many.spaceId, detail: 'summary' });
    expect(new Set(units.map((unit) => unit.slug)).size).toBe(2345);
    expect(proxy.seen.filter((one) => one.endsWith('/unit'))).toHaveLength(3);
  });

  it('releases one unit and leaves the others of its space at what was released last', async () => {
    const space = await hub.createSpace({ slug: 'delivered' });
    const [one, two] = [
      await hub.createUnit(space.spaceId, { slug: 'one', data: configMap('one', { v: '1' }) }),
      await hub.createUnit(space.spaceId, { slug: 'two', data: configMap('two', { v: '1' }) }),
    ];
    expect(await release(one)).toMatchObject({ status: 'Completed', result: 'ApplyCompleted' });
    expect(await hub.getUnit(one.spaceId, one.unitId)).toMatchObject({
      lastAppliedRevision: 2,
      liveRevision: 2,
    });
    expect(await hub.getUnit(two.spaceId, two.unitId)).toMatchObject({ lastAppliedRevision: 0 });
    await release(two);
    const present = await hub.getUnit(one.spaceId, one.unitId);
    await hub.writeData(present, configMap('one', { v: '2' }));
    await release(two);
    expect(await hub.getUnit(one.spaceId, one.unitId)).toMatchObject({
      headRevision: 3,
      lastAppliedRevision: 2,
      liveRevision: 2,
    });
    const started = await hub.applyUnits(equals('SpaceID', space.spaceId));
    expect(started).toMatchObject([{ ok: true }, { ok: true }]);
    const [first] = started;
    if (!first?.ok) throw new Error('not started');
    await hub.waitForOperation(one, first.operationId, { timeoutMs: 10_000 });
    expect(await hub.listUnits({ where: equals('LiveRevisionNum', 3) })).toMatchObject([
      { slug: 'one', liveRevision: 3 },
    ]);
    const events = await hub.listUnitEvents(one);
    expect(events.at(-1)).toMatchObject({ action: 'Apply', revision: 3, status: 'Completed' });
    expect(await hub.liveState(one)).toBeUndefined();
  });

  it('says why nothing can be applied where there is no release target', async () => {
    const space = await hub.createSpace({ slug: 'nowhere' });
    const unit = await hub.createUnit(space.spaceId, { slug: 'u', data: '' });
    await server.call('PATCH', `/space/${space.spaceId}`, { ReleaseTargetID: null });
    await expect(hub.applyUnit(unit)).rejects.toMatchObject({
      code: 'APPLY_FAILED',
      message: expect.stringContaining('no release target'),
    });
    expect(await hub.applyUnits(equals('UnitID', unit.unitId))).toMatchObject([
      { ok: false, message: expect.stringContaining('no release target') },
    ]);
  });

  it('holds a release behind the approval gate until somebody attests, and anew after each change', async () => {
    const space = await hub.createSpace({ slug: 'gated', labels: { 'apply-gate': 'approval' } });
    const unit = await hub.createUnit(space.spaceId, { slug: 'u', data: configMap('a', {}) });
    expect(unit.applyGates).toEqual(['require-approval/is-approved']);
    await expect(hub.applyUnit(unit)).rejects.toMatchObject({ code: 'CONFIGHUB_REFUSED' });
    await hub.approveUnit(unit);
    const attested = await hub.getUnit(unit.spaceId, unit.unitId);
    expect(attested.applyGates).toEqual([]);
    expect(await release(unit)).toMatchObject({ status: 'Completed' });
    const path = `/space/${unit.spaceId}/unit/${unit.unitId}/revision`;
    const { body } = await server.call('GET', path);
    const revisions = body as { Revision: { RevisionNum: number; Attestations: unknown[] } }[];
    expect(revisions.map(({ Revision }) => Revision.Attestations.length)).toEqual([1, 0]);
    const released = await hub.getUnit(unit.spaceId, unit.unitId);
    const changed = await hub.writeData(released, configMap('a', { x: '1' }));
    expect(changed.applyGates).toHaveLength(1);
  });

  it('takes what is released for unknown until the cluster is reported to have it', async () => {
    const space = await hub.createSpace({ slug: 'reported' });
    const unit = await hub.createUnit(space.spaceId, { slug: 'u', data: configMap('a', {}) });
    const source = createConfighubSource({
      hub,
      environment: {
        name: 'reported',
        source: { kind: 'confighub', space: 'reported' },
        defaultNamespace: 'default',
      },
    });
    const applied = async () => [...(await source.load()).objects.values()][0]?.applied;
    expect(await applied()).toBe('never');
    await release(unit);
    expect(await applied()).toBe('head');
    const { body } = await server.call('GET', `/space/${space.spaceId}/release`);
    const [newest] = body as { Release: { ReleaseID: string } }[];
    await server.call(
      'POST',
      `/space/${space.spaceId}/release/${newest?.Release.ReleaseID}/withdraw`,
    );
    expect(await applied()).toBe('unknown');
  });

  it('reads data anew only where it changed', async () => {
    const space = await hub.createSpace({ slug: 'polled' });
    const unit = await hub.createUnit(space.spaceId, { slug: 'u', data: configMap('a', {}) });
    const source = createConfighubSource({
      hub,
      environment: {
        name: 'polled',
        source: { kind: 'confighub', space: 'polled' },
        defaultNamespace: 'default',
      },
    });
    const { revision } = await source.load();
    proxy.inject();
    expect(await source.refresh(revision)).toBeUndefined();
    const inSpace = `GET /api/space/${space.spaceId}`;
    // Filters stand for sets here, whose labels say who is watched.
    expect([...proxy.seen].sort()).toEqual([`${inSpace}/filter`, `${inSpace}/unit`]);
    await hub.patchUnit(unit, { labels: { new: 'label' } });
    proxy.inject();
    expect(await source.refresh(revision)).toBeDefined();
    expect(proxy.seen.some((one) => one.includes('data'))).toBe(false);
  });

  it('protects local changes of a clone from upgrades; what is not protected is overwritten', async () => {
    const dev = await hub.createSpace({ slug: 'dev' });
    const upstream = await hub.createUnit(base.spaceId, {
      slug: 'up',
      data: configMap('a', { kept: '1', lost: '1', taken: '1' }),
    });
    const clone = await hub.cloneUnit(dev.spaceId, {
      slug: 'up',
      upstreamSpaceId: base.spaceId,
      upstreamUnitId: upstream.unitId,
    });
    const local = await hub.writeData(clone, configMap('a', { kept: '2', lost: '1', taken: '1' }));
    const path = `/space/${dev.spaceId}/unit/${clone.unitId}/data`;
    await fetch(`${server.url}/api${path}`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${TEST_TOKEN}`,
        'content-type': 'application/octet-stream',
        'if-match': `"${local.dataHash}"`,
      },
      body: configMap('a', { kept: '2', lost: '2', taken: '1' }),
    });
    await hub.writeData(upstream, configMap('a', { kept: '3', lost: '3', taken: '3' }));
    const results = await hub.upgradeUnits(
      allOf(
        equals('UpstreamUnitID', upstream.unitId),
        lessThanAttribute('UpstreamRevisionNum', 'UpstreamUnit.HeadRevisionNum'),
      ),
    );
    expect(results).toMatchObject([{ ok: true }]);
    expect(await hub.readData(clone)).toBe(configMap('a', { kept: '2', lost: '3', taken: '3' }));
    const { body } = await server.call('GET', `/space/${dev.spaceId}/unit/${clone.unitId}`);
    expect(body).toMatchObject({ Unit: { Conflicts: [{ Path: 'data.kept' }] } });
  });

  it.each<[string, Fault, string]>([
    ['503', { kind: 'answer', status: 503 }, 'CONFIGHUB_UNAVAILABLE'],
    ['a cut connection', { kind: 'cut', after: 'headers' }, 'CONFIGHUB_UNAVAILABLE'],
    ['409', { kind: 'answer', status: 409 }, 'CONFIGHUB_CONFLICT'],
    ['422', { kind: 'answer', status: 422 }, 'CONFIGHUB_REFUSED'],
  ])('never repeats a write of data after %s', async (name, fault, code) => {
    const slug = `once-${name.replaceAll(' ', '-')}`;
    const unit = await hub.createUnit(base.spaceId, { slug, data: 'a: 1\n' });
    const read = { Unit: { Version: unit.version, DataHash: unit.dataHash } };
    proxy.inject({ kind: 'answer', status: 200, body: JSON.stringify(read) }, fault);
    await expect(hub.writeData(unit, 'a: 2\n')).rejects.toMatchObject({ code });
    const path = `/api/space/${unit.spaceId}/unit/${unit.unitId}`;
    expect(proxy.seen).toEqual([`GET ${path}`, `PUT ${path}/data`]);
    expect(await hub.readData(unit)).toBe('a: 1\n');
  });

  it.each([
    ['no release', '{"Message":"published"}'],
    ['a list', '[]'],
    ['no JSON', 'published'],
  ])('refuses a publication that is answered with %s', async (_name, body) => {
    const space = await hub.createSpace({ slug: `garbled-${body.length}` });
    const unit = await hub.createUnit(space.spaceId, { slug: 'u', data: 'a: 1\n' });
    const { targetId = '' } = unit;
    const answer = (text: string): Fault => ({ kind: 'answer', status: 200, body: text });
    const units = [{ Unit: { UnitID: unit.unitId, SpaceID: space.spaceId, TargetID: targetId } }];
    proxy.inject(
      answer(JSON.stringify(units)),
      answer(JSON.stringify({ Space: { Slug: 's', ReleaseTargetID: targetId } })),
      answer(JSON.stringify({ Slug: 't', TagID: 't', SpaceID: space.spaceId })),
      answer('[]'),
      answer('[]'),
      answer(body),
    );
    await expect(hub.applyUnit(unit)).rejects.toMatchObject({ code: 'CONFIGHUB_REFUSED' });
    expect(proxy.seen.at(-1)).toBe(`POST /api/space/${space.spaceId}/release`);
  });

  it('emulates sets by a filter and a label', async () => {
    const set = await hub.createSet(base.spaceId, { slug: 'critical-drifts', labels: { a: 'b' } });
    expect(await hub.listSets(base.spaceId)).toEqual([set]);
    expect(set).toMatchObject({ slug: 'critical-drifts', labels: { a: 'b' } });
    const unit = await hub.createUnit(base.spaceId, { slug: 'member', data: '' });
    expect((await hub.patchUnit(unit, { setId: set.setId })).setId).toBe(set.setId);
    const members = async () => (await hub.listSetUnits(set.setId)).map((one) => one.slug);
    expect(await members()).toEqual(['member']);
    expect((await hub.listUnits({ filter: set.setId })).map((one) => one.setId)).toEqual([
      set.setId,
    ]);
    await hub.patchUnit(unit, { setId: null });
    expect(await members()).toEqual([]);
  });
});
