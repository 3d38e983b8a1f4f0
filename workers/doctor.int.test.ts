import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { parseConfig } from '../lib/config.ts';
import { startFakeClaude } from '../testing/fake-claude.ts';
import { testCluster, testPostgres, testTemporal } from '../testing/stack.ts';
import {
  examineClaude,
  examineCluster,
  examineConfigHub,
  examineNode,
  examinePostgres,
  examineTemporal,
} from './doctor.ts';

function environment(kubeconfig: string, namespaces: string) {
  const yaml = `environments: [{ name: dev, source: { space: s }, cluster: { kubeconfig: ${kubeconfig} }, namespaces: ${namespaces} }]`;
  const { environments, resources } = parseConfig(yaml, { env: {} });
  const [first] = environments;
  if (!first) throw new Error('no environment');
  return { first, resources };
}

test('the shipped rights are enough to list and watch the default resources', async () => {
  const { kubeconfigs } = await testCluster();
  const { first, resources } = environment(kubeconfigs.realign, '[]');
  expect(await examineCluster(first, resources)).toMatchObject({
    name: 'Cluster of dev',
    ok: true,
    detail: expect.stringMatching(
      /^(?:v[1-9]\S*|unversioned build) at .* may list and watch 17 resources$/,
    ),
  });
});

test('each missing right is named, with the repair', async () => {
  const { kubeconfigs } = await testCluster();
  const { first } = environment(kubeconfigs.realign, '[qa]');
  expect(await examineCluster(first, ['deployments', 'persistentvolumeclaims'])).toMatchObject({
    ok: false,
    detail: expect.stringMatching(
      /but may not list persistentvolumeclaims in qa; watch persistentvolumeclaims in qa$/,
    ),
    repair: expect.stringContaining('rbac.yaml'),
  });
});

test('a resource that the cluster does not serve is named', async () => {
  const { kubeconfigs } = await testCluster();
  const { first } = environment(kubeconfigs.realign, '[qa]');
  const found = await examineCluster(first, ['deploymets']);
  expect(found).toMatchObject({ ok: false, detail: expect.stringContaining('deploymets') });
});

test('Claude knows its key, or says what to correct', async () => {
  const claude = await startFakeClaude();
  const { url, apiKey } = claude;
  try {
    const { claude: config } = parseConfig(`claude: { url: "${url}" }`, { env: {} });
    expect(await examineClaude({ ...config, apiKey })).toMatchObject({
      ...{ name: 'Claude', ok: true, detail: `claude-sonnet-5-5 at ${url}` },
    });
    expect(await examineClaude({ ...config, apiKey: 'sk-wrong' })).toMatchObject({
      ok: false,
      detail: expect.stringContaining('401'),
      repair: expect.stringContaining('claude.apiKey'),
    });
  } finally {
    await claude.stop();
  }
});

test('Postgres and Temporal are well', async () => {
  const { url } = await testPostgres();
  const { address } = await testTemporal();
  const { temporal } = parseConfig('', { env: { TEMPORAL_ADDRESS: address } });
  expect(await examinePostgres(url)).toMatchObject({
    ok: true,
    detail: expect.stringMatching(/^18/),
  });
  expect(await examineTemporal(temporal)).toMatchObject({ ok: true });
  expect(await examineTemporal({ ...temporal, namespace: 'absent' })).toMatchObject({
    ok: false,
    detail: expect.stringContaining('absent'),
  });
});

test('what is away fails within seconds and says which setting to check', async () => {
  const { temporal } = parseConfig('', { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  const [postgres, away] = await Promise.all([
    examinePostgres('postgres://u:sesame@127.0.0.1:1/d'),
    examineTemporal(temporal),
  ]);
  expect(postgres).toMatchObject({ ok: false, repair: expect.stringContaining('DATABASE_URL') });
  expect(away).toMatchObject({ ok: false, repair: expect.stringContaining('TEMPORAL_ADDRESS') });
  expect(JSON.stringify(postgres)).not.toContain('sesame');
});

test('an old Node is told apart from a new one', () => {
  expect(examineNode('20.20.2')).toMatchObject({
    ok: false,
    repair: expect.stringContaining('24'),
  });
  expect(examineNode('24.21.0')).toMatchObject({ ok: true });
});

test('ConfigHub: without a token, with a refused one, with a missing space, and well', async () => {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname;
    const allowed = path === '/api/info' || request.headers.authorization === 'Bearer good';
    const bodies: Record<string, unknown> = {
      '/api/info': {},
      '/api/me': { UserID: 'u1', Username: 'robot' },
      '/api/space': !request.url?.includes('shop-dev')
        ? []
        : [{ Space: { SpaceID: 's1', Slug: 'shop-dev', Version: 1 } }],
    };
    response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(allowed ? bodies[path] : { Message: 'no' }));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  try {
    const { port } = server.address() as AddressInfo;
    const configOf = (token: string, space: string) =>
      parseConfig('', {
        env: { CUB_API_URL: `http://127.0.0.1:${port}/api`, CUB_TOKEN: token, CUB_SPACE: space },
      });
    expect(await examineConfigHub(configOf('', 'shop-dev'))).toMatchObject({
      ok: false,
      repair: expect.stringContaining('CUB_TOKEN'),
    });
    const refused = await examineConfigHub(configOf('sesame', 'shop-dev'));
    expect(refused).toMatchObject({ ok: false, repair: expect.stringContaining('CUB_TOKEN') });
    expect(JSON.stringify(refused)).not.toContain('sesame');
    expect(await examineConfigHub(configOf('good', 'shop-dve'))).toMatchObject({
      ok: false,
      detail: expect.stringContaining('no space shop-dve'),
    });
    expect(await examineConfigHub(configOf('good', 'shop-dev'))).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/dialect bridge, as robot$/),
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
