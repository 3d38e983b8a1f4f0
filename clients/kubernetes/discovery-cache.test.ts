import { expect, test } from 'vitest';
import { eventually } from '../../testing/eventually.ts';
import { createDiscovery, type Discovery } from './discovery.ts';
import { createDiscoveryCache } from './discovery-cache.ts';

const METRICS = { group: 'metrics.k8s.io', version: 'v1beta1', kind: 'PodMetrics' };

/** A server on which a kind may be installed later, and a clock that stands still until it is moved. */
function openServer() {
  const server = { nowMs: 0, reads: 0, isAway: false, isInstalled: false };
  const read = async (): Promise<Discovery> => {
    server.reads += 1;
    if (server.isAway) throw new Error('the server is away');
    const resource = {
      ...{ ...METRICS, plural: 'pods', singular: 'pod', shortNames: [] },
      ...{ namespaced: true, verbs: ['list'], subresources: [] },
    };
    return createDiscovery(server.isInstalled ? [resource] : []);
  };
  const discover = createDiscoveryCache(read, () => server.nowMs);
  const knowsMetrics = async () => (await discover()).find(METRICS) !== undefined;
  return { server, discover, knowsMetrics };
}

test('what is installed later is noticed after ten minutes, and nobody waits for the look', async () => {
  const { server, knowsMetrics } = openServer();
  expect(await knowsMetrics()).toBe(false);
  server.isInstalled = true;
  server.nowMs = 9 * 60_000;
  expect(await knowsMetrics()).toBe(false);
  expect(server.reads).toBe(1);
  server.nowMs = 11 * 60_000;
  expect(await knowsMetrics()).toBe(false);
  await eventually(knowsMetrics, { what: 'the new kind', timeoutMs: 5_000 });
  expect(server.reads).toBe(2);
});

test('what was known holds while the server is away, which is not asked at each use', async () => {
  const { server, discover, knowsMetrics } = openServer();
  server.isInstalled = true;
  expect(await knowsMetrics()).toBe(true);
  server.isAway = true;
  server.nowMs = 11 * 60_000;
  for (let use = 0; use < 5; use++) expect(await knowsMetrics()).toBe(true);
  expect(server.reads).toBe(2);
  await expect(discover({ fresh: true })).rejects.toThrow('away');
  expect(await knowsMetrics()).toBe(true);
  server.isAway = false;
  server.isInstalled = false;
  server.nowMs += 31_000;
  await knowsMetrics();
  await eventually(async () => !(await knowsMetrics()), { what: 'a new look', timeoutMs: 5_000 });
});

test('all who come at first share one look, and one that fails is not kept', async () => {
  const { server, discover } = openServer();
  server.isAway = true;
  const both = await Promise.allSettled([discover(), discover()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(server.reads).toBe(1);
  server.isAway = false;
  await discover();
  expect(server.reads).toBe(2);
});
