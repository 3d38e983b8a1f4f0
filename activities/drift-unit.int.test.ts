import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createConfighubSource } from '../desired/confighub.ts';
import type { Finding } from '../drift/decide/record.ts';
import type { ChangeType, FieldChange, Severity } from '../drift/field-change.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { FILTERS } from '../examples/acorn-bear/groups.ts';
import { parseConfig } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { testPostgres } from '../testing/stack.ts';
import { createDriftUnitActivities } from './drift-unit.ts';

const SPACE = 'fleet-drifts';
const config = parseConfig(
  `environments: [{ name: prod, source: { space: shop-prod }, defaultNamespace: shop }]
drift: { records: units, space: ${SPACE} }`,
  { env: {} },
);
let store: Store;
let episodes = 0;

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  store = createStore({ databaseUrl: url, log: createLog('silent') });
});
afterAll(async () => {
  await store?.close();
});

describe.each(['bridge', 'release'] as const)('drifts as units, %s dialect', (dialect) => {
  let server: TestConfighub;
  const environment = `prod-${dialect}`;
  const refOf = (kind: string, group: string, name: string): ResourceRef => ({
    ...{ environment, group, version: 'v1', kind, namespace: 'shop', name },
  });
  const replicas = refOf('Deployment', 'apps', 'backend.api');
  const memory = refOf('Deployment', 'apps', 'frontend');
  const role = refOf('Role', 'rbac.authorization.k8s.io', 'reader');
  const image = refOf('Deployment', 'apps', 'worker');

  beforeAll(async () => {
    server = await startTestConfighub({ dialect });
  });
  afterAll(async () => {
    await server?.close();
  });

  async function recordDrift(ref: ResourceRef): Promise<void> {
    const deps = { config, hub: server.hub, store };
    await createDriftUnitActivities(deps).recordDrift({ episodeId: 'e', key: '1', ref });
  }

  async function drifts(
    ref: ResourceRef,
    changes: readonly Partial<FieldChange>[],
    severity: Severity,
    policyOutcome: 'auto' | 'ask',
  ): Promise<string> {
    const episodeId = `e${++episodes}`;
    const states = { desired: {}, live: {}, desiredHash: '' };
    const firstDetected = new Date(Date.UTC(2026, 6, 1, 10, episodes)).toISOString();
    const row = { episodeId, ref, workflowId: 'w', runId: 'r', firstDetected };
    await store.episodes.open({ ...row, outcome: 'detecting' }, states);
    const finding: Finding = {
      ...{ ref, uid: '', resourceVersion: '', omitted: 0, severity, direction: 'forward' },
      ...{ who: 'kubectl', diffDigest: episodeId, score: 1 },
      changes: changes.map((change) => ({
        ...{ path: 'spec.replicas', op: 'changed', type: 'Scaling', severity },
        ...{ who: 'kubectl', confidence: 'high' },
        ...change,
      })),
    };
    await store.episodes.update(episodeId, { finding, policyOutcome, rule: 'a rule' });
    return episodeId;
  }

  const change = (type: ChangeType, path: string, rest: Partial<FieldChange> = {}) => ({
    ...{ type, path },
    ...rest,
  });

  async function members(slug: string): Promise<readonly string[]> {
    const space = await server.hub.findSpace(SPACE);
    const set = (await server.hub.listSets(space?.spaceId ?? '')).find((one) => one.slug === slug);
    if (!set) return [];
    const units = await server.hub.listSetUnits(set.setId);
    return units.map((unit) => parse(unit.data ?? '').spec.resource).sort();
  }

  async function unitOf(resource: string) {
    const space = await server.hub.findSpace(SPACE);
    const units = await server.hub.listUnits({ space: space?.spaceId ?? '' });
    const found = units.filter((unit) => parse(unit.data ?? '').spec.resource === resource);
    expect(found).toHaveLength(1);
    if (!found[0]) throw new Error('there is one');
    return found[0];
  }

  it('keeps each open drift as one unit of the set that it belongs to', async () => {
    await drifts(
      replicas,
      [change('Scaling', 'spec.replicas', { desired: 3, live: 5 })],
      'high',
      'auto',
    );
    await drifts(
      memory,
      [
        change('ResourceChange', 'spec.template.spec.containers[name=a].resources.limits.memory', {
          desired: '64Mi',
          live: '1Gi',
        }),
      ],
      'high',
      'ask',
    );
    await drifts(role, [change('SecurityChange', 'rules', { live: ['*'] })], 'critical', 'ask');
    await drifts(image, [change('VersionChange', 'spec.x')], 'high', 'ask');
    await Promise.all([replicas, memory, role, image].map(recordDrift));
    expect(await members('replica-drifts')).toEqual(['Deployment/shop/backend.api']);
    expect(await members('resource-drifts')).toEqual(['Deployment/shop/frontend']);
    expect(await members('critical-drifts')).toEqual(['Role/shop/reader']);
    expect(await members('corrected-drifts')).toEqual([]);
    expect(await unitOf('Deployment/shop/worker')).not.toHaveProperty('setId');
    const unit = await unitOf('Deployment/shop/backend.api');
    expect(unit.slug).toMatch(/^prod-\w+-Deployment-shop-backend-api-[0-9a-f]{10}$/);
    expect(unit.labels).toMatchObject({
      ...{ record: 'drift', environment, kind: 'Deployment', type: 'Scaling' },
      ...{ severity: 'high', status: 'open', 'auto-correctable': 'true' },
    });
    expect(parse(unit.data ?? '')).toMatchObject({
      apiVersion: 'realign.dev/v1',
      spec: { changes: [{ path: 'spec.replicas', desired: 3, live: 5 }] },
    });
  });

  it('is found by the filters of the project', async () => {
    const space = await server.hub.findSpace(SPACE);
    const found: Record<string, readonly string[]> = {};
    for (const { slug, where } of FILTERS) {
      const made = await server.hub.createFilter(space?.spaceId ?? '', {
        slug,
        from: 'Unit',
        where,
      });
      const units = await server.hub.listUnits({ filter: made.filterId });
      found[slug] = units.map((unit) => parse(unit.data ?? '').spec.resource).sort();
    }
    expect(found).toMatchObject({
      'security-drift': ['Role/shop/reader'],
      'auto-correctable': ['Deployment/shop/backend.api'],
      'manual-review': ['Deployment/shop/frontend', 'Deployment/shop/worker', 'Role/shop/reader'],
    });
  });

  it('writes nothing where nothing changed, and updates instead of adding', async () => {
    const before = await unitOf('Deployment/shop/backend.api');
    await recordDrift(replicas);
    expect(await unitOf('Deployment/shop/backend.api')).toEqual(before);
    await drifts(
      replicas,
      [change('Scaling', 'spec.replicas', { desired: 3, live: 9 })],
      'high',
      'ask',
    );
    await recordDrift(replicas);
    const after = await unitOf('Deployment/shop/backend.api');
    expect(after).toMatchObject({ unitId: before.unitId, headRevision: before.headRevision + 1 });
    expect(after.labels).toMatchObject({ 'requires-approval': 'true' });
    expect(after.labels).not.toHaveProperty('auto-correctable');
  });

  it('moves what was put right to the corrected ones, and out of all sets what went by itself', async () => {
    const at = '2026-07-01T12:00:00Z';
    const [fixed] = await store.episodes.listFor(replicas, 1);
    const [gone] = await store.episodes.listFor(memory, 1);
    await store.episodes.close(fixed?.episodeId ?? '', 'fixed', 'Fixed replicas: 9 → 3.', at);
    await store.episodes.close(gone?.episodeId ?? '', 'resolved', 'Gone.', at);
    await recordDrift(replicas);
    await recordDrift(memory);
    expect(await members('corrected-drifts')).toEqual(['Deployment/shop/backend.api']);
    expect(await members('replica-drifts')).toEqual([]);
    expect(await members('resource-drifts')).toEqual([]);
    expect((await unitOf('Deployment/shop/backend.api')).labels['status']).toBe('corrected');
    const resolved = await unitOf('Deployment/shop/frontend');
    expect(resolved.labels['status']).toBe('resolved');
    expect(resolved).not.toHaveProperty('setId');
    await drifts(replicas, [change('Scaling', 'spec.replicas')], 'high', 'auto');
    await recordDrift(replicas);
    expect(await members('replica-drifts')).toEqual(['Deployment/shop/backend.api']);
  });

  it('keeps values of people out, as they are kept out of descriptions', async () => {
    const ref = refOf('ConfigMap', '', 'settings');
    await drifts(
      ref,
      [change('ConfigMapChange', 'data.motd', { desired: 'one', live: 'canary-of-people' })],
      'low',
      'auto',
    );
    await recordDrift(ref);
    const { data } = await unitOf('ConfigMap/shop/settings');
    expect(data).toContain('data.motd');
    expect(data).not.toContain('canary-of-people');
  });

  it('is neither applied nor taken for declared', async () => {
    const unit = await unitOf('Role/shop/reader');
    await expect(server.hub.applyUnit(unit)).rejects.toMatchObject({
      message: expect.stringMatching(/target/),
    });
    const source = createConfighubSource({
      hub: server.hub,
      environment: {
        name: 'fleet',
        source: { kind: 'confighub', space: SPACE },
        defaultNamespace: 'shop',
      },
    });
    const snapshot = await source.load();
    // Those in no set are read, and declare nothing; the others nobody would watch anyway.
    expect(snapshot.units).toHaveLength(3);
    expect([...snapshot.objects.keys(), ...snapshot.errors]).toEqual([]);
  });
});
