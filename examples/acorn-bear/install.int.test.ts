import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { equals } from '../../clients/confighub/where.ts';
import { createKubernetesClient, type KubernetesClient } from '../../clients/kubernetes/index.ts';
import { startTestConfighub, type TestConfighub } from '../../testing/confighub-server.ts';
import { testCluster } from '../../testing/stack.ts';
import { FILTERS } from './groups.ts';
import { installAcornBear } from './install.ts';

describe('acorn-bear on a real API server', () => {
  let server: TestConfighub;
  let kubernetes: KubernetesClient;
  const prefix = `bear-${process.pid}`;
  const ref = (group: string, kind: string, name: string) => ({
    group,
    version: 'v1',
    kind,
    name,
    namespace: `${prefix}-dev`,
  });

  beforeAll(async () => {
    const { kubeconfigs } = await testCluster();
    server = await startTestConfighub({ kubeconfig: kubeconfigs.confighub });
    kubernetes = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'test' });
    expect(
      await installAcornBear(server.hub, { prefix, environments: ['dev', 'staging', 'prod'] }),
    ).toEqual({ spaces: 6, units: 39, filters: 6 });
  }, 120_000);
  afterAll(async () => {
    kubernetes?.close();
    await server?.close();
  });

  it('has everything live, cloned level by level', async () => {
    const units = await server.hub.listUnits({
      where: equals('Slug', 'backend-api'),
      detail: 'summary',
    });
    const bySpace = new Map(units.map((unit) => [unit.spaceSlug, unit]));
    expect(bySpace.get(`${prefix}-base`)).toMatchObject({
      liveRevision: 0,
      labels: { tier: 'critical' },
    });
    expect(bySpace.get(`${prefix}-prod`)).toMatchObject({
      liveRevision: 1,
      labels: { environment: 'prod', 'requires-approval': 'true', monitor: 'true' },
      upstream: { spaceSlug: `${prefix}-staging` },
    });
    expect(bySpace.get(`${prefix}-prod`)?.labels).not.toHaveProperty('auto-correctable');
    expect(bySpace.get(`${prefix}-dev`)?.labels).toMatchObject({ 'auto-correctable': 'true' });
    const live = await kubernetes.get(ref('apps', 'Deployment', 'backend-api'));
    expect(live).toMatchObject({ spec: { replicas: 3 } });
    expect(live?.metadata.managedFields?.some((one) => one.manager === 'confighub')).toBe(true);
    expect(await kubernetes.get(ref('', 'ConfigMap', 'app-config'))).toMatchObject({
      data: { log_level: 'info' },
    });
  });

  it('adds nothing when it runs again', async () => {
    const before = await server.hub.listUnits({ detail: 'state' });
    await installAcornBear(server.hub, { prefix, environments: ['dev', 'staging', 'prod'] });
    expect(await server.hub.listUnits({ detail: 'state' })).toEqual(before);
  });

  it('has filters that select what their names say', async () => {
    const { hub } = server;
    const filters = await hub.listFilters();
    expect(filters.map((one) => one.slug).sort()).toEqual(FILTERS.map((one) => one.slug).sort());
    const members = async (slug: string) => {
      const filter = filters.find((one) => one.slug === slug);
      return hub.listUnits({ filter: filter?.filterId ?? 'none', detail: 'summary' });
    };
    const spaces = async (slug: string) =>
      new Set((await members(slug)).map((unit) => unit.spaceSlug.slice(prefix.length + 1)));
    expect(await spaces('auto-correctable')).toEqual(new Set(['dev']));
    expect(await spaces('manual-review')).toEqual(new Set(['staging', 'prod']));
    expect(await spaces('production-drift')).toEqual(new Set(['prod']));
    expect(await spaces('production-only')).toEqual(new Set(['prod']));
    expect(new Set((await members('security-drift')).map((unit) => unit.slug))).toEqual(
      new Set(['app-reader']),
    );
    expect(new Set((await members('critical-services')).map((unit) => unit.slug))).toEqual(
      new Set(['backend-api', 'database-postgres', 'frontend-web']),
    );
    const both = await hub.findUnit(
      (await members('manual-review'))[0]?.spaceId ?? '',
      'namespace',
    );
    if (both === undefined) throw new Error('not installed');
    // With both labels a unit is for people.
    await hub.patchUnit(both, { labels: { 'auto-correctable': 'true' } });
    const ids = async (slug: string) => (await members(slug)).map((unit) => unit.unitId);
    expect(await ids('manual-review')).toContain(both.unitId);
    expect(await ids('auto-correctable')).not.toContain(both.unitId);
    await hub.patchUnit(both, { labels: { 'auto-correctable': null } });
  });

  it('has sets: of critical services in each environment, and for recorded drifts', async () => {
    const { hub } = server;
    for (const environment of ['dev', 'prod']) {
      const space = await hub.findSpace(`${prefix}-${environment}`);
      const [set, ...others] = await hub.listSets(space?.spaceId ?? '');
      expect(others).toEqual([]);
      expect(set).toMatchObject({
        slug: 'critical-services',
        labels: { monitor: 'true', 'auto-fix': 'true' },
      });
      const members = await hub.listSetUnits(set?.setId ?? '', 'summary');
      expect(new Set(members.map((unit) => `${unit.spaceSlug}/${unit.slug}`))).toEqual(
        new Set(
          ['backend-api', 'database-postgres', 'frontend-web'].map(
            (slug) => `${prefix}-${environment}/${slug}`,
          ),
        ),
      );
    }
    const drifts = await hub.findSpace(`${prefix}-drifts`);
    expect((await hub.listSets(drifts?.spaceId ?? '')).map((set) => set.slug).sort()).toEqual([
      'corrected-drifts',
      'critical-drifts',
      'replica-drifts',
      'resource-drifts',
    ]);
  });

  it('puts a drifted object right by applying its unit again', async () => {
    const { hub } = server;
    const place = ref('apps', 'Deployment', 'frontend-web');
    await kubernetes.jsonPatch(place, [{ op: 'replace', path: '/spec/replicas', value: 1 }], {
      fieldManager: 'kubectl',
    });
    const space = await hub.findSpace(`${prefix}-dev`);
    const unit = await hub.findUnit(space?.spaceId ?? '', 'frontend-web');
    if (unit === undefined) throw new Error('not installed');
    const { operationId } = await hub.applyUnit(unit);
    const event = await hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
    expect(event.message).toBe('applied 1 objects');
    expect(await kubernetes.get(place)).toMatchObject({ spec: { replicas: 2 } });
  });

  it('prunes what left a unit, and says why an apply failed', async () => {
    const { hub } = server;
    const space = await hub.findSpace(`${prefix}-dev`);
    const configMap = (name: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
    const targetId = (await hub.findUnit(space?.spaceId ?? '', 'app-config'))?.targetId ?? '';
    const unit = await hub.createUnit(space?.spaceId ?? '', {
      slug: 'pair',
      data: `${configMap('one')}---\n${configMap('two')}`,
      targetId,
    });
    const applied = async () => {
      const { operationId } = await hub.applyUnit(unit);
      return hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
    };
    await applied();
    expect(await kubernetes.get(ref('', 'ConfigMap', 'two'))).toBeDefined();
    await hub.writeData(await hub.getUnit(unit.spaceId, unit.unitId), configMap('one'));
    expect((await applied()).message).toBe('applied 1 objects, deleted 1');
    expect(await kubernetes.get(ref('', 'ConfigMap', 'two'))).toBeUndefined();
    await hub.writeData(
      await hub.getUnit(unit.spaceId, unit.unitId),
      'apiVersion: v1\nkind: Nothing\nmetadata: {name: x}\n',
    );
    await expect(applied()).rejects.toMatchObject({
      code: 'APPLY_FAILED',
      message: expect.stringContaining('does not serve v1 Nothing'),
    });
    expect(await hub.getUnit(unit.spaceId, unit.unitId)).toMatchObject({
      headRevision: 3,
      lastAppliedRevision: 3,
      liveRevision: 2,
      previousLiveRevision: 1,
    });
  });

  it('refreshes a unit from the cluster: what drifted becomes a new revision', async () => {
    const { hub } = server;
    const place = ref('', 'ConfigMap', 'app-config');
    await kubernetes.jsonPatch(
      place,
      [{ op: 'replace', path: '/data/log_level', value: 'debug' }],
      { fieldManager: 'kubectl' },
    );
    const space = await hub.findSpace(`${prefix}-dev`);
    const unit = await hub.findUnit(space?.spaceId ?? '', 'app-config');
    if (unit === undefined) throw new Error('not installed');
    const answer = await server.call('POST', `/space/${unit.spaceId}/unit/${unit.unitId}/refresh`);
    const { QueuedOperationID: id } = answer.body as { QueuedOperationID: string };
    const event = await hub.waitForOperation(unit, id, { timeoutMs: 30_000 });
    expect(event.result).toBe('RefreshAndDrifted');
    expect(await hub.readData(unit)).toBe(
      unit.data?.replace('log_level: info', 'log_level: debug'),
    );
  });
});
