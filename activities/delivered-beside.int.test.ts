import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Unit } from '../clients/confighub/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { createConfighubSource } from '../desired/confighub.ts';
import { DEFAULT_RULE } from '../drift/decide/policy.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { parseConfig } from '../lib/config.ts';
import { keyedHash } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { testCluster, testPostgres } from '../testing/stack.ts';
import { openComparer } from '../workers/comparer.ts';
import { deliveredBeside, holdIdOf } from './delivered-beside.ts';
import type { ActivityDeps } from './deps.ts';
import { lookAt } from './detect.ts';
import { createFilterMembership } from './filter-membership.ts';
import { createPlanActivities } from './plan.ts';

const log = createLog('silent');
let store: Store;
let admin: KubernetesClient;
let kubeconfig: string;
let confighubKubeconfig: string;
let newNamespace: () => Promise<string>;

beforeAll(async () => {
  const [{ url }, cluster] = await Promise.all([
    testPostgres({ name: 'realign', prepare: migrate }),
    testCluster(),
  ]);
  store = createStore({ databaseUrl: url, log });
  kubeconfig = cluster.kubeconfigs.admin;
  confighubKubeconfig = cluster.kubeconfigs.confighub;
  newNamespace = () => cluster.namespace();
  admin = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
});
afterAll(async () => {
  admin?.close();
  await store?.close();
});

const manifest = (name: string, mode: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  mode: ${mode}\n`;

describe.each(['bridge', 'release'] as const)('an apply, %s dialect', (dialect) => {
  let server: TestConfighub;
  let deps: ActivityDeps;
  let namespace: string;
  const units = new Map<string, Unit>();
  const refOf = (name: string): ResourceRef => ({
    ...{ environment: 'dev', group: '', version: 'v1', kind: 'ConfigMap', namespace, name },
  });

  beforeAll(async () => {
    namespace = await newNamespace();
    server = await startTestConfighub({ dialect, kubeconfig: confighubKubeconfig });
    const { hub } = server;
    const space = await hub.createSpace({ slug: 'shop-dev' });
    const target = await hub.createTarget(space.spaceId, {
      slug: 'cluster',
      parameters: { KubeNamespace: namespace },
    });
    await hub.releaseTo(space.spaceId, target.targetId);
    for (const name of ['alpha', 'beta', 'gamma', 'never']) {
      const unit = await hub.createUnit(space.spaceId, {
        ...{ slug: name, data: manifest(name, 'calm'), targetId: target.targetId },
      });
      units.set(name, unit);
      if (name === 'never') continue;
      const { operationId } = await hub.applyUnit(unit);
      await hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
    }
    // Its head is not what is delivered beside others: the revision that was released is.
    const gamma = await hub.getUnit(space.spaceId, units.get('gamma')?.unitId ?? '');
    await hub.writeData(gamma, manifest('gamma', 'newer'));
    const config = parseConfig(
      `environments: [{ name: dev, source: { space: shop-dev }, defaultNamespace: ${namespace} }]
autoFix: true
policies:
  - { name: careful, match: { names: [beta] }, outcome: ask }
  - { name: rest, outcome: auto }`,
      { env: {} },
    );
    const [environment] = config.environments;
    if (!environment) throw new Error('the configuration has one environment');
    const source = createConfighubSource({ hub, environment });
    const environments = new Map([['dev', { config: environment, source, cluster: admin }]]);
    const ruleHits = { note: () => {}, flush: async () => {} };
    deps = {
      ...{ config, store, hub, environments, log },
      compareLive: openComparer(
        { config, environments, ruleHits, verdictMemoOf: () => undefined },
        { collectExcused: true },
      ),
      ...{ noteApplied: () => {}, noteEquivalent: () => {} },
      keyedHash: (text: string) => keyedHash('a-key-of-this-test', text),
      ...{ reportDrift: async () => {}, stir: async () => {} },
      metrics: createMetrics({ version: '0', processMetrics: false }),
    } as unknown as ActivityDeps;
    for (const name of ['alpha', 'beta']) {
      await admin.jsonPatch(refOf(name), [{ op: 'replace', path: '/data/mode', value: 'wild' }], {
        fieldManager: 'kubectl-edit',
      });
    }
    await source.load();
  }, 60_000);
  afterAll(async () => {
    await server?.close();
  });

  const membership = () =>
    createFilterMembership(server.hub, { slugs: new Set(), maxAgeMs: 1_000, now: Date.now });

  it('reaches the other units of the space where releases deliver all of it', async () => {
    const alpha = units.get('alpha');
    if (!alpha) throw new Error('there is one');
    const look = await lookAt(deps, membership(), refOf('alpha'));
    if (!look?.finding) throw new Error('it drifts');
    const [rule] = deps.config.policies.filter((one) => one.name === 'rest');
    const planned = await createPlanActivities(deps, membership()).plan({
      ...{ episodeId: 'd1', key: '1', ref: refOf('alpha'), finding: look.finding, looksOnly: true },
      decision: { rule: 'rest', outcome: 'auto', policy: rule ?? DEFAULT_RULE },
    });
    const revert = planned.plans.find((one) => one.fix === 'revert');
    const reached = revert?.reach.map((one) => [one.resource, one.path, one.from, one.to]);
    const own = [`ConfigMap/${namespace}/alpha`, 'data.mode', 'wild', 'calm'];
    const others = [`ConfigMap/${namespace}/beta`, 'data.mode', 'wild', 'calm'];
    expect(reached).toEqual(dialect === 'release' ? [own, others] : [own]);
    // What is asked about is not undone because something beside it is fixed unasked.
    expect(planned.decision.outcome).toBe(dialect === 'release' ? 'ask' : 'auto');
    expect(await holdIdOf(deps, alpha)).toBe(dialect === 'release' ? alpha.spaceId : alpha.unitId);
  });

  it('brings other units to what was released of them, not to their head', async () => {
    const alpha = units.get('alpha');
    if (!alpha) throw new Error('there is one');
    await admin.jsonPatch(refOf('gamma'), [{ op: 'replace', path: '/data/mode', value: 'wild' }], {
      fieldManager: 'kubectl-edit',
    });
    const { differing, unreadable, omitted } = await deliveredBeside(deps, 'dev', alpha);
    expect({ unreadable, omitted }).toEqual({ unreadable: [], omitted: 0 });
    const changes = differing.map(({ desired, comparison }) => [
      desired.ref.name,
      ...comparison.changes.map((one) => `${one.live} → ${one.desired}`),
    ]);
    const released = [
      ['beta', 'wild → calm'],
      ['gamma', 'wild → calm'],
    ];
    expect(changes).toEqual(dialect === 'release' ? released : []);
  });
});
