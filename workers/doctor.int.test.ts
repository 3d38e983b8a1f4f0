import { expect, test } from 'vitest';
import { parseConfig } from '../lib/config.ts';
import { testCluster, testPostgres, testTemporal } from '../testing/stack.ts';
import { examineCluster, examineNode, examinePostgres, examineTemporal } from './doctor.ts';

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
    detail: expect.stringMatching(/^v\d.* may list and watch 7 resources$/),
  });
});

test('each missing right is named, with the repair', async () => {
  const { kubeconfigs } = await testCluster();
  const { first } = environment(kubeconfigs.realign, '[qa]');
  expect(await examineCluster(first, ['deployments', 'secrets'])).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/but may not list secrets in qa; watch secrets in qa$/),
    repair: expect.stringContaining('rbac.yaml'),
  });
});

test('a resource that the cluster does not serve is named', async () => {
  const { kubeconfigs } = await testCluster();
  const { first } = environment(kubeconfigs.realign, '[qa]');
  const found = await examineCluster(first, ['deploymets']);
  expect(found).toMatchObject({ ok: false, detail: expect.stringContaining('deploymets') });
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
